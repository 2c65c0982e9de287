import { expect, test } from 'vitest';
import { parseEngineHost } from '../../../../src/runtime/docker/connect-engine.ts';
import { isOnBridges } from '../../../../src/runtime/docker/read-facts.ts';

test.each([
  ['unix:///var/run/docker.sock', { socketPath: '/var/run/docker.sock' }],
  ['unix:///run/user/1000/docker.sock', { socketPath: '/run/user/1000/docker.sock' }],
  ['tcp://127.0.0.1:2375', { host: '127.0.0.1', port: 2375 }],
  ['tcp://localhost', { host: 'localhost', port: 2375 }],
  ['http://[::1]:4000/', { host: '::1', port: 4000 }],
])('%s is an engine of this machine', (host, address) => {
  expect(parseEngineHost(host)).toEqual(address);
});

test.each([
  'tcp://10.0.0.5:2375',
  'ssh://user@machine',
  'tcp://127.0.0.1.example.com:2375',
  'npipe:////./pipe/docker_engine',
  'nonsense',
])('%s is ENGINE_REMOTE', (host) => {
  expect(() => parseEngineHost(host)).toThrow(expect.objectContaining({ code: 'ENGINE_REMOTE', exitCode: 3 }));
});

const NATIVE = { platform: 'linux', kernel: '6.18.0-generic', operatingSystem: 'Debian GNU/Linux 12', rootless: false };

test.each([
  ['a rootful engine on Linux', {}, true],
  ['a rootless engine', { rootless: true }, false],
  ['Docker Desktop on Linux', { operatingSystem: 'Docker Desktop' }, false],
  ['WSL2', { kernel: '5.15.167.4-microsoft-standard-WSL2' }, false],
  ['macOS', { platform: 'darwin', kernel: '' }, false],
])('%s: this process stands on its bridges or not', (_case, place, expected) => {
  expect(isOnBridges({ ...NATIVE, ...place })).toBe(expected);
});
