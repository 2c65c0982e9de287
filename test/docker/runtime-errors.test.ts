import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createDockerRuntime } from '../../src/runtime/docker/docker-runtime.ts';
import { startTestProject } from './support/test-project.ts';

test('a socket that is not there, or that nobody serves, is ENGINE_UNREACHABLE', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'engine-'));
  const { signal } = new AbortController();
  const dead = createServer();
  try {
    const path = join(folder, 'dead.sock');
    for (const socket of [join(folder, 'none.sock'), path]) {
      const runtime = await createDockerRuntime({ env: { DOCKER_HOST: `unix://${socket}` } });
      const refused = { code: 'ENGINE_UNREACHABLE', exitCode: 3, hint: expect.stringContaining('DOCKER_HOST') };
      await expect(runtime.facts(signal)).rejects.toMatchObject(refused);
      await expect(runtime.observe('p', [], signal)).rejects.toMatchObject(refused);
      await expect(runtime.events(undefined, signal).ready).rejects.toMatchObject(refused);
    }
    // One that takes a connection and drops it.
    dead.on('connection', (socket) => socket.destroy());
    await new Promise<void>((resolve) => dead.listen(path, resolve));
    const runtime = await createDockerRuntime({ env: { DOCKER_HOST: `unix://${path}` } });
    await expect(runtime.facts(signal)).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' });
  } finally {
    dead.close();
    await rm(folder, { recursive: true, force: true });
  }
});

test.each([
  ['a program that the image lacks', { entrypoint: ['no-such-program'] }, 'COMMAND_NOT_FOUND'],
  ['a path that the image lacks', { entrypoint: ['/no/such/program'] }, 'COMMAND_NOT_FOUND'],
  ['a file that is no program', { entrypoint: ['/etc/passwd'] }, 'COMMAND_NOT_FOUND'],
  ['a user that the image lacks', { user: 'nobody-here' }, 'START_FAILED'],
  [
    'a file mounted over a directory',
    { mounts: [{ kind: 'bind' as const, source: '/etc/hostname', path: '/etc', readOnly: true }] },
    'START_FAILED',
  ],
  ['a network that is gone', { network: { kind: 'container' as const, name: 'no-such-container' } }, 'START_FAILED'],
])('%s is told with exit code 4', async (_case, fields, code) => {
  await using project = await startTestProject();
  await expect(project.run(project.container('broken', 'true', fields))).rejects.toMatchObject({ code, exitCode: 4 });
});

test('a GPU without a driver is GPU_REFUSED', async () => {
  await using project = await startTestProject();
  const worker = project.container('worker', 'true', { gpus: ['GPU-1'] });
  await expect(project.run(worker)).rejects.toMatchObject({
    code: 'GPU_REFUSED',
    exitCode: 3,
    hint: expect.stringContaining('nvidia-container-toolkit'),
  });
});

test('an image that is not here is IMAGE_NOT_FOUND', async () => {
  await using project = await startTestProject();
  const worker = project.container('worker', 'true', { image: 'no-such-image:1' });
  await expect(project.run(worker)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND', exitCode: 3 });
});

test('a port that a container holds is PORT_TAKEN and names it; one that a program holds is PORT_TAKEN too', async () => {
  await using project = await startTestProject();
  const publish = (hostPort: number) => [{ containerPort: 80, hostAddress: '127.0.0.1', hostPort }];
  const holder = project.container('holder', 'sleep 60', { publish: publish(0) });
  await project.run(holder);
  const observed = await project.runtime.inspect(holder.name, project.signal);
  const port = observed?.published[0]?.hostPort ?? 0;
  expect(observed?.published).toEqual([{ containerPort: 80, hostAddress: '127.0.0.1', hostPort: port }]);
  expect(port).toBeGreaterThan(1023);

  const taken = { code: 'PORT_TAKEN', exitCode: 3 };
  await expect(project.run(project.container('second', 'sleep 60', { publish: publish(port) }))).rejects.toMatchObject({
    ...taken,
    message: expect.stringMatching(new RegExp(`port ${port} .*${holder.name} of project ${project.name}`)),
  });

  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const held = typeof address === 'object' && address ? address.port : 0;
  try {
    await expect(project.run(project.container('third', 'sleep 60', { publish: publish(held) }))).rejects.toMatchObject(
      {
        ...taken,
        message: expect.stringContaining(`port ${held} `),
      },
    );
  } finally {
    server.close();
  }
});
