import { expect, test } from 'vitest';
import { containerBody } from '../../../../src/runtime/docker/container-body.ts';
import { makeContainer } from '../../../docker/support/make-container.ts';

const project = 'p';

test('a command replaces the entrypoint of the image, and its CMD is not added', () => {
  const given = { project, entrypoint: ['python3', '-m', 'x'] };
  expect(containerBody(makeContainer('a', '', given))).toMatchObject({ Entrypoint: ['python3', '-m', 'x'], Cmd: [] });
  expect(containerBody(makeContainer('a', '', { ...given, args: ['--y'] }))).toMatchObject({ Cmd: ['--y'] });
});

test('without a command the entrypoint of the image stays, with args or its own CMD', () => {
  const withArgs = containerBody(makeContainer('a', '', { project, entrypoint: undefined, args: ['--y'] }));
  expect([withArgs.Entrypoint, withArgs.Cmd]).toEqual([undefined, ['--y']]);
  const bare = containerBody(makeContainer('a', '', { project, entrypoint: undefined }));
  expect('Entrypoint' in bare || 'Cmd' in bare).toBe(false);
});

test('GPUs are asked for by id, and not at all where there are none', () => {
  const body = containerBody(makeContainer('a', '', { project, gpus: ['GPU-1', 'GPU-0'] }));
  expect(body.HostConfig?.DeviceRequests).toEqual([
    { Driver: 'nvidia', DeviceIDs: ['GPU-1', 'GPU-0'], Capabilities: [['gpu']] },
  ]);
  expect(containerBody(makeContainer('a', '', { project })).HostConfig).not.toHaveProperty('DeviceRequests');
});

test('the engine does not restart, probe, or put an init process in front', () => {
  expect(containerBody(makeContainer('a', '', { project }))).toMatchObject({
    Healthcheck: { Test: ['NONE'] },
    HostConfig: { RestartPolicy: { Name: 'no' }, Init: false, LogConfig: { Type: 'json-file' } },
  });
});

test('who joins a network namespace has no hostname, aliases or network of its own', () => {
  const body = containerBody(makeContainer('a', '', { project, network: { kind: 'container', name: 'p-a-0' } }));
  expect(body.HostConfig?.NetworkMode).toBe('container:p-a-0');
  expect('Hostname' in body || 'NetworkingConfig' in body).toBe(false);
});

test('a bridge has its aliases, a hostname is 63 characters at most', () => {
  const network = { kind: 'bridge' as const, network: 'p_default', aliases: ['graph-a'], hostname: 'h'.repeat(80) };
  expect(containerBody(makeContainer('a', '', { project, network }))).toMatchObject({
    Hostname: 'h'.repeat(63),
    HostConfig: { NetworkMode: 'p_default' },
    NetworkingConfig: { EndpointsConfig: { p_default: { Aliases: ['graph-a'] } } },
  });
});

test('port 0 leaves the choice to the engine', () => {
  const publish = [
    { containerPort: 8000, hostAddress: '127.0.0.1', hostPort: 0 },
    { containerPort: 9090, hostAddress: '0.0.0.0', hostPort: 9091 },
  ];
  expect(containerBody(makeContainer('a', '', { project, publish }))).toMatchObject({
    ExposedPorts: { '8000/tcp': {}, '9090/tcp': {} },
    HostConfig: {
      PortBindings: {
        '8000/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }],
        '9090/tcp': [{ HostIp: '0.0.0.0', HostPort: '9091' }],
      },
    },
  });
});

test('limits are whole numbers in the units of the engine', () => {
  const body = containerBody(makeContainer('a', '', { project, memoryBytes: 1000.7, cpus: 1.5, shmBytes: 64 }));
  expect(body.HostConfig).toMatchObject({ Memory: 1000, NanoCpus: 1_500_000_000, ShmSize: 64 });
});

test('the directories of files are writable below a read-only root, and only there', () => {
  const file = (path: string) => ({ path, content: '', mode: 0o644, secret: false, owner: undefined });
  const files = [file('/etc/a/x'), file('/etc/a/b/y'), file('/data/z')];
  const mounts = [{ kind: 'volume' as const, volume: 'v', path: '/data', readOnly: false, noCopy: true }];
  const targets = (readOnlyRoot: boolean) =>
    containerBody(makeContainer('a', '', { project, files, mounts, readOnlyRoot })).HostConfig?.Mounts?.map((mount) => [
      mount.Source,
      mount.Target,
    ]);
  expect(targets(true)).toEqual([
    ['v', '/data'],
    ['', '/etc/a'],
  ]);
  expect(targets(false)).toEqual([['v', '/data']]);
});
