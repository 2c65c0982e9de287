import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { findFreePort, isPortFree, probePort } from '../../../src/host/find-port.ts';

test('a port that somebody listens on is not free, and free again afterwards', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  expect(await probePort('127.0.0.1', port)).toEqual({ free: false, code: 'EADDRINUSE' });
  await new Promise<void>((resolve) => server.close(() => resolve()));
  expect(await probePort('127.0.0.1', port)).toEqual({ free: true });
  expect(await isPortFree('127.0.0.1', port)).toBe(true);
});

test('finds a port that is free', async () => {
  const port = await findFreePort('127.0.0.1');
  expect(port).toBeGreaterThan(1023);
  expect(await probePort('127.0.0.1', port)).toEqual({ free: true });
});

test('an address of another machine gives a reason', async () => {
  expect(await probePort('192.0.2.1', 8000)).toEqual({ free: false, code: 'EADDRNOTAVAIL' });
  await expect(findFreePort('192.0.2.1')).rejects.toMatchObject({ code: 'PORT_NONE_FREE', exitCode: 3 });
});
