import { expect, test } from 'vitest';
import { parseTakenPort } from '../../../../src/runtime/docker/start-container.ts';

test.each([
  ['… on endpoint p (1ab2): Bind for 127.0.0.1:8000 failed: port is already allocated', '127.0.0.1', 8000],
  ['… Error starting userland proxy: listen tcp4 0.0.0.0:80: bind: address already in use', '0.0.0.0', 80],
  ['… listen tcp6 [::]:80: bind: address already in use', '::', 80],
  ['failed to bind host port for 127.0.0.1:8000:172.17.0.2:80/tcp: address already in use', '127.0.0.1', 8000],
  ['failed to bind host port 127.0.0.1:8000/tcp: address already in use', '127.0.0.1', 8000],
])('the port in "%s"', (text, address, port) => {
  expect(parseTakenPort(text)).toEqual({ address, port });
});

test('no port in other words', () => {
  expect(parseTakenPort('network x not found')).toBeUndefined();
});
