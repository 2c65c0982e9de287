import { createServer } from 'node:net';
import { EXIT, UserError } from '../model/diagnostic.ts';

/** True when the TCP port of this address can be listened on now. */
export async function isPortFree(host: string, port: number): Promise<boolean> {
  return (await probePort(host, port)).free;
}

/** As isPortFree, with the reason why not: `EADDRINUSE`, `EACCES` (a port below 1024), `EADDRNOTAVAIL` (no address of this machine). */
export async function probePort(
  host: string,
  port: number,
): Promise<{ readonly free: true } | { readonly free: false; readonly code: string }> {
  const tried = await listenBriefly(host, port);
  return tried.ok ? { free: true } : { free: false, code: tried.code };
}

/** A free TCP port of the address, chosen by the kernel. It may be taken a moment later: use it at once. */
export async function findFreePort(host: string): Promise<number> {
  const tried = await listenBriefly(host, 0);
  if (tried.ok) return tried.port;
  throw new UserError('PORT_NONE_FREE', `no port can be opened on ${host} (${tried.code})`, {
    exitCode: EXIT.preflight,
    hint: 'is that an address of this machine?',
  });
}

type Tried = { readonly ok: true; readonly port: number } | { readonly ok: false; readonly code: string };

function listenBriefly(host: string, port: number): Promise<Tried> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve({ ok: false, code: 'code' in error ? String(error.code) : error.message }));
    server.listen({ host, port, exclusive: true }, () => {
      const bound = server.address();
      const found = typeof bound === 'object' && bound !== null ? bound.port : port;
      server.close(() => resolve({ ok: true, port: found }));
    });
  });
}
