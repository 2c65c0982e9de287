import { createServer } from 'node:net';
import { EXIT, UserError } from '../model/diagnostic.ts';

/** Whether a TCP port of this machine can be listened on at `address` now, and why not: `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`. */
export async function probePort(
  port: number,
  address: string,
): Promise<{ readonly free: boolean; readonly code?: string }> {
  const tried = await listenBriefly(port, address);
  return tried.code === undefined ? { free: true } : { free: false, code: tried.code };
}

/** A free TCP port at `address`, chosen by the kernel. It may be taken a moment later: use it at once. */
export async function findFreePort(address: string): Promise<number> {
  const tried = await listenBriefly(0, address);
  if (tried.port !== undefined) return tried.port;
  throw new UserError('PORT_NONE_FREE', `no port can be opened on ${address} (${tried.code})`, {
    exitCode: EXIT.preflight,
    hint: 'is that an address of this machine?',
  });
}

function listenBriefly(port: number, address: string): Promise<{ readonly port?: number; readonly code?: string }> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve({ code: 'code' in error ? String(error.code) : error.message }));
    server.listen({ port, host: address, exclusive: true }, () => {
      const bound = server.address();
      const found = typeof bound === 'object' && bound !== null ? bound.port : port;
      server.close(() => resolve({ port: found }));
    });
  });
}
