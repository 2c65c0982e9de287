import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { LABEL } from '../../src/model/labels.ts';
import { removeProject, startTestProject } from './support/test-project.ts';

test('a container is made once, runs, is observed with its labels parsed, stops and goes', async () => {
  await using project = await startTestProject();
  const { runtime, signal, name } = project;
  const worker = project.container('worker', 'trap "exit 7" TERM; echo up; while :; do sleep 0.1; done', {
    graceSeconds: 5,
    labels: {
      [LABEL.gpus]: 'GPU-a,GPU-b',
      [LABEL.facts]: JSON.stringify({ graceSeconds: 5, reach: 'direct', runtimeVersion: '1.4.2' }),
    },
  });
  await runtime.createContainer(worker, signal);
  await runtime.createContainer(worker, signal);
  expect((await runtime.inspect(worker.name, signal))?.status).toBe('created');

  await runtime.startContainer(worker.name, signal);
  await runtime.startContainer(worker.name, signal);
  const [observed] = (await runtime.observe(name, [], signal)).containers;
  expect(observed).toMatchObject({
    name: worker.name,
    project: name,
    component: 'worker',
    replica: 0,
    role: 'main',
    hash: 'hash-1',
    gpus: ['GPU-a', 'GPU-b'],
    status: 'running',
    restartPolicy: 'no',
    facts: { graceSeconds: 5, reach: 'direct', runtimeVersion: '1.4.2' },
  });
  expect(observed?.address).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
  const holds = (await runtime.gpuHolds(signal)).filter((hold) => hold.project === name);
  expect(holds).toEqual([
    { uuid: 'GPU-a', project: name, replica: 'worker-0' },
    { uuid: 'GPU-b', project: name, replica: 'worker-0' },
  ]);

  await runtime.setRestartPolicy(worker.name, 'unless-stopped', signal);
  expect((await runtime.inspect(worker.name, signal))?.restartPolicy).toBe('unless-stopped');

  await runtime.stopContainer(worker.name, 5, signal);
  await runtime.stopContainer(worker.name, 5, signal);
  expect(await runtime.inspect(worker.name, signal)).toMatchObject({
    status: 'exited',
    exitCode: 7,
    address: undefined,
  });
  expect((await runtime.gpuHolds(signal)).filter((hold) => hold.project === name)).toEqual([]);

  await Promise.all([runtime.removeContainer(worker.name, signal), runtime.removeContainer(worker.name, signal)]);
  expect(await runtime.inspect(worker.name, signal)).toBeUndefined();
  await runtime.removeContainer(worker.name, signal);
  await runtime.stopContainer(worker.name, 1, signal);
  await runtime.killContainer(worker.name, signal);
  await runtime.setRestartPolicy(worker.name, 'no', signal);
});

test('who ignores SIGTERM is killed after the grace period', async () => {
  await using project = await startTestProject();
  const { runtime, signal } = project;
  const stubborn = project.container('stubborn', 'trap "" TERM; while :; do sleep 0.1; done');
  await project.run(stubborn);
  await runtime.stopContainer(stubborn.name, 1, signal);
  expect((await runtime.inspect(stubborn.name, signal))?.exitCode).toBe(137);
  await runtime.killContainer(stubborn.name, signal);
});

test('args reach the entrypoint, without args the command of the image is not added', async () => {
  await using project = await startTestProject();
  const both = project.container('both', '', { entrypoint: ['echo', 'a'], args: ['b', '$HOME'] });
  const alone = project.container('alone', '', { entrypoint: ['echo', 'only'] });
  expect(await project.read(both)).toEqual(['a b $HOME']);
  expect(await project.read(alone)).toEqual(['only']);
});

test('limits, user, environment, shared memory, capabilities and tmpfs arrive in the container', async () => {
  await using project = await startTestProject();
  const probe = project.container(
    'probe',
    'id -u; id -G; echo "$A"; df -k --output=size /dev/shm | tail -1; ulimit -n; stat -f -c %T /scratch; pwd; hostname; grep CapEff /proc/self/status',
    {
      user: '1000:1000',
      groups: [2000],
      env: [{ name: 'A', value: 'x=y z', secret: false, origin: { kind: 'flag', flag: '--env-file' } }],
      shmBytes: 128 * 2 ** 20,
      memoryBytes: 256 * 2 ** 20,
      cpus: 0.5,
      ulimits: [{ name: 'nofile', soft: 1234, hard: 1234 }],
      tmpfs: [{ path: '/scratch', options: 'size=1m' }],
      workingDir: '/var/tmp',
      capabilitiesDrop: ['ALL'],
    },
  );
  const lines = await project.read(probe);
  expect(lines.map((line) => line.trim())).toEqual([
    '1000',
    '1000 2000',
    'x=y z',
    '131072',
    '1234',
    'tmpfs',
    '/var/tmp',
    'probe',
    'CapEff:\t0000000000000000',
  ]);
  const { HostConfig } = await project.docker.getContainer(probe.name).inspect();
  expect([HostConfig.Memory, HostConfig.NanoCpus]).toEqual([256 * 2 ** 20, 5e8]);
});

test('secrets are in the body of the create call and not in its address', async () => {
  await using project = await startTestProject();
  const secret = project.container('secret', 'echo "$TOKEN" | wc -c', {
    // Longer than any address could be.
    env: [{ name: 'TOKEN', value: 'x'.repeat(100_000), secret: true, origin: { kind: 'flag', flag: '--env-file' } }],
  });
  expect(await project.read(secret)).toEqual(['100001']);
});

test('an image of a name that is another container is NAME_TAKEN, the same hash is the same container', async () => {
  await using project = await startTestProject();
  const { runtime, signal } = project;
  await runtime.createContainer(project.container('a', 'true'), signal);
  await runtime.createContainer(project.container('a', 'true'), signal);
  const other = project.container('a', 'true', { hash: 'hash-2' });
  await expect(runtime.createContainer(other, signal)).rejects.toMatchObject({ code: 'NAME_TAKEN', exitCode: 3 });
});

test('networks: made once however many ask, removed once, aliases resolve on them', async () => {
  await using project = await startTestProject();
  const { runtime, signal, name, docker } = project;
  const network = `${name}_default`;
  await Promise.all(Array.from({ length: 6 }, () => runtime.createNetwork(name, network, signal)));
  await runtime.createNetwork(name, network, signal);
  const { networks } = await runtime.observe(name, [], signal);
  expect(networks.map((entry) => entry.name)).toEqual([network]);
  expect((await docker.listNetworks({ filters: { name: [network] } })).length).toBe(1);

  const bridge = (aliases: string[], hostname: string) => ({ kind: 'bridge' as const, network, aliases, hostname });
  const server = project.container('server', 'sleep 60', { network: bridge(['graph-server'], 'server') });
  const joined = project.container('joined', 'hostname; cat /proc/net/route | wc -l', {
    network: { kind: 'container', name: server.name },
  });
  const client = project.container('client', 'getent hosts graph-server | wc -l', { network: bridge([], 'client') });
  await project.run(server);
  expect(await project.read(client)).toEqual(['1']);
  expect((await project.read(joined))[0]).toBe('server');

  await Promise.all([server, joined, client].map((entry) => runtime.removeContainer(entry.name, signal)));
  await runtime.removeNetwork(network, signal);
  await runtime.removeNetwork(network, signal);
  expect((await runtime.observe(name, [], signal)).networks).toEqual([]);
});

test('a network or a volume of another project is not taken over', async () => {
  await using mine = await startTestProject();
  await using other = await startTestProject();
  const network = `${other.name}_default`;
  const volume = {
    name: `${other.name}_v`,
    claim: 'v',
    scratch: false,
    memoryBytes: undefined,
    owner: undefined,
    image: '',
  };
  await other.runtime.createNetwork(other.name, network, other.signal);
  await other.runtime.createVolume(other.name, volume, other.signal);
  const taken = { code: 'NAME_TAKEN', exitCode: 3 };
  await expect(mine.runtime.createNetwork(mine.name, network, mine.signal)).rejects.toMatchObject(taken);
  await expect(mine.runtime.createVolume(mine.name, volume, mine.signal)).rejects.toMatchObject(taken);
});

test('images that are here are observed, others are not, a broken reference is IMAGE_INVALID', async () => {
  await using project = await startTestProject();
  const { runtime, signal, name } = project;
  const { images } = await runtime.observe(name, ['debian:bookworm-slim', 'no-such-image:1'], signal);
  expect([...images.keys()]).toEqual(['debian:bookworm-slim']);
  expect(images.get('debian:bookworm-slim')?.id).toMatch(/^sha256:/);
  await expect(runtime.observe(name, ['Not An Image'], signal)).rejects.toMatchObject({
    code: 'IMAGE_INVALID',
    exitCode: 2,
  });
});

test('labels that somebody tore, and containers that only look like ours', async () => {
  await using project = await startTestProject();
  const { runtime, signal, name, docker } = project;
  const torn = project.container('torn', 'sleep 60', {
    labels: { [LABEL.replica]: 'x', [LABEL.probes]: '{', [LABEL.facts]: '[1', [LABEL.role]: 'future' },
  });
  await project.run(torn);
  const foreign = await docker.createContainer({ Image: torn.image, Labels: { [LABEL.project]: name } });
  const { containers } = await runtime.observe(name, [], signal);
  expect(containers.map((entry) => entry.name)).toEqual([torn.name]);
  expect(containers[0]).toMatchObject({ replica: 0, probes: {}, role: 'sidecar', facts: { graceSeconds: 10 } });
  expect(await runtime.inspect(foreign.id, signal)).toBeUndefined();
  await removeProject(docker, name);
});

test('facts say what the engine is', async () => {
  await using project = await startTestProject();
  const facts = await project.runtime.facts(project.signal);
  expect(facts.cpus).toBeGreaterThan(0);
  expect(facts.memoryBytes).toBeGreaterThan(2 ** 28);
  expect(facts.apiVersion).toMatch(/^1\.\d+$/);
  await using forced = await startTestProject({ env: process.env, reach: 'published' });
  expect((await forced.runtime.facts(forced.signal)).reach).toBe('published');
});

test('an aborted call rejects with the reason of the signal', async () => {
  await using project = await startTestProject();
  const reason = new Error('enough');
  const aborted = AbortSignal.abort(reason);
  const sleeper = project.container('sleeper', 'trap "" TERM; while :; do sleep 0.1; done');
  await project.run(sleeper);
  await expect(project.runtime.observe(project.name, [], aborted)).rejects.toBe(reason);
  const later = new AbortController();
  const stopping = project.runtime.stopContainer(sleeper.name, 30, later.signal);
  setTimeout(() => later.abort(reason), 200);
  await expect(stopping).rejects.toBe(reason);
});

test('many calls at once leave no listener on the signal, and no warning', async () => {
  await using project = await startTestProject();
  const { runtime, name } = project;
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on('warning', onWarning);
  try {
    const { signal } = new AbortController();
    await Promise.all(Array.from({ length: 30 }, () => runtime.observe(name, [], signal)));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    expect(warnings).toEqual([]);
  } finally {
    process.off('warning', onWarning);
  }
});
