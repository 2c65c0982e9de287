import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { REPLICA_FOLDER } from '../../src/model/process-paths.ts';
import { gpuUuid, installFakeNvidiaSmi, migUuid } from '../support/fake-nvidia-smi.ts';
import { cli } from '../support/spawn-cli.ts';
import { testProject } from '../support/test-project.ts';
import { canStartEngine, startGpuEngine } from './support/gpu-engine.ts';
import { startServers } from './support/shared-servers.ts';

const GRAPH = (name: string, replicas: number, gpus: number) => `apiVersion: nvidia.com/v1beta1
kind: DynamoGraphDeployment
metadata: {name: ${name}}
spec:
  components:
    - name: engine
      replicas: ${replicas}
      podTemplate:
        spec:
          terminationGracePeriodSeconds: 1
          containers:
            - name: main
              image: debian:bookworm-slim
              command: [/bin/sh, -c, "trap 'exit 0' TERM; while :; do sleep 0.1; done"]
              resources: {limits: {nvidia.com/gpu: "${gpus}"}}
`;

test.skipIf(!canStartEngine())(
  'every replica sees its own GPUs, two projects share a machine, and a shortage is told before anything starts',
  async () => {
    await using engine = await startGpuEngine();
    await engine.copyImage('debian:bookworm-slim');
    await using machine = await installFakeNvidiaSmi(4, [
      { uuid: gpuUuid(3), pid: 4711, name: 'python3', usedMib: 40_000 },
    ]);
    await using files = await testProject('gpu');
    const env = { ...engine.env, PATH: `${machine.folder}:${process.env.PATH}`, CUDA_VISIBLE_DEVICES: undefined };
    // The engine of this test has one image; etcd and NATS run on the machine's own.
    await using servers = await startServers({ jetStream: true });
    const infra = ['--infra-endpoints', servers.endpoints, '--progress', 'plain', '--pull', 'never'];
    const seen = async (name: string) =>
      (await engine.docker.getContainer(name).inspect()).HostConfig.DeviceRequests?.flatMap(
        (request) => request.DeviceIDs ?? [],
      ) ?? [];
    const inside = async (project: string, replica: string) => {
      const run = await cli(
        [
          'exec',
          '-p',
          project,
          replica,
          '--',
          'sh',
          '-c',
          "tr '\\0' '\\n' < /proc/1/environ | sed -n 's/^NVIDIA_VISIBLE_DEVICES=//p'",
        ],
        env,
      );
      return run.stdout.trim();
    };

    const first = await files.write('first.yaml', GRAPH('first', 2, 1));
    const up = await cli(['up', '-d', first, '-p', 'first', ...infra], env);
    expect(up.stderr).toContain('engine-1  ready');
    expect(up.exitCode).toBe(0);
    expect(await seen('first-engine-0')).toEqual([gpuUuid(0)]);
    expect(await seen('first-engine-1')).toEqual([gpuUuid(1)]);
    expect(await inside('first', 'engine-0')).toBe(gpuUuid(0));
    expect(await inside('first', 'engine-1')).toBe(gpuUuid(1));

    // An unchanged graph keeps its devices.
    expect((await cli(['up', '-d', first, '-p', 'first', ...infra], env)).stderr).toContain('nothing to do');

    // The other project gets what is left; the GPU that a foreign process fills is not it.
    const second = await files.write('second.yaml', GRAPH('second', 1, 1));
    expect((await cli(['up', '-d', second, '-p', 'second', ...infra], env)).exitCode).toBe(0);
    expect(await inside('second', 'engine-0')).toBe(gpuUuid(2));

    const listed = await cli(['gpus', '--format', 'json'], env);
    const holders = JSON.parse(listed.stdout).map(
      (row: { heldBy: { project: string; replica: string }[] }) => row.heldBy,
    );
    expect(holders).toEqual([
      [{ project: 'first', replica: 'engine-0' }],
      [{ project: 'first', replica: 'engine-1' }],
      [{ project: 'second', replica: 'engine-0' }],
      [],
    ]);
    expect((await cli(['gpus'], env)).stdout).toMatch(/^3 .*79\.\d GiB.* process 4711 \(python3, 39\.1 GiB\) /m);

    const third = await files.write('third.yaml', GRAPH('third', 1, 2));
    const short = await cli(['up', '-d', third, '-p', 'third', ...infra], env);
    expect(short.exitCode).toBe(3);
    expect(short.stderr).toContain('GPU_SHORTAGE');
    expect(short.stderr).toContain('project first (engine-0)');
    expect(short.stderr).toContain('project second (engine-0)');
    expect(short.stderr).toContain('process 4711 (python3)');
    expect(await engine.docker.listContainers({ all: true, filters: { label: ['dynamo.project=third'] } })).toEqual([]);

    // The refusal says what would help, by name.
    expect(short.stderr).toContain('dynamo down -p first, or dynamo down -p second');

    // --gpus restricts, by index.
    expect((await cli(['down', '-p', 'first'], env)).stderr).not.toContain('GPU_LEFTOVER');
    expect((await cli(['up', '-d', second, '-p', 'chosen', '--gpus', '1', ...infra], env)).exitCode).toBe(0);
    expect(await inside('chosen', 'engine-0')).toBe(gpuUuid(1));
    expect((await cli(['down', '-p', 'second'], env)).exitCode).toBe(0);

    // A process that is still on the card after down is named, with what ends it.
    const ghost = spawn('sleep', ['60'], { env: { [REPLICA_FOLDER]: '/x' }, stdio: 'ignore' });
    await using haunted = await installFakeNvidiaSmi(4, [
      { uuid: gpuUuid(1), pid: process.pid, name: 'Xorg', usedMib: 600 },
      { uuid: gpuUuid(1), pid: ghost.pid ?? 0, name: 'python3', usedMib: 40_000 },
    ]);
    const down = await cli(['down', '-p', 'chosen'], { ...env, PATH: `${haunted.folder}:${process.env.PATH}` });
    ghost.kill();
    expect(down.exitCode).toBe(0);
    // What was there before is left alone.
    expect(down.stderr).not.toContain('Xorg');
    expect(down.stderr).toMatch(
      new RegExp(
        `warning GPU_LEFTOVER: process ${ghost.pid} \\(python3\\).* still holds 39\\.1 GiB of GPU 1 .*(kill|docker rm)`,
      ),
    );
  },
);

test.skipIf(!canStartEngine())('--share-gpus puts two replicas on each GPU, one started after the other', async () => {
  await using engine = await startGpuEngine();
  await engine.copyImage('debian:bookworm-slim');
  await using machine = await installFakeNvidiaSmi(2);
  await using files = await testProject('share');
  const env = { ...engine.env, PATH: `${machine.folder}:${process.env.PATH}`, CUDA_VISIBLE_DEVICES: undefined };
  await using servers = await startServers({ jetStream: true });
  const infra = ['--infra-endpoints', servers.endpoints, '--progress', 'json', '--pull', 'never'];
  const file = await files.write('four.yaml', GRAPH('four', 4, 1));
  const alone = await cli(['up', '-d', file, '-p', 'four', ...infra], env);
  expect([alone.exitCode, alone.stderr]).toEqual([3, expect.stringContaining('--share-gpus')]);

  const up = await cli(['up', '-d', file, '-p', 'four', '--share-gpus', ...infra], env);
  expect(up.exitCode).toBe(0);
  const held = async (index: number) =>
    (await engine.docker.getContainer(`four-engine-${index}`).inspect()).HostConfig.DeviceRequests?.[0]?.DeviceIDs;
  expect(await Promise.all([0, 1, 2, 3].map(held))).toEqual([0, 0, 1, 1].map((gpu) => [gpuUuid(gpu)]));
  const stages = up.stderr
    .split('\n')
    .filter((line) => line.includes('"replica-stage"'))
    .map((line): { replica: string; stage: string } => JSON.parse(line));
  const when = (replica: string, stage: string) =>
    stages.findIndex((event) => event.replica === replica && event.stage === stage);
  expect(when('engine-1', 'starting')).toBeGreaterThan(when('engine-0', 'ready'));
  expect(when('engine-3', 'starting')).toBeGreaterThan(when('engine-2', 'ready'));
  expect((await cli(['up', '-d', file, '-p', 'four', '--share-gpus', ...infra], env)).stderr).toContain(
    'nothing to do',
  );
  expect((await cli(['down', '-p', 'four'], env)).exitCode).toBe(0);
});

test.skipIf(!canStartEngine())(
  'containers get slices of a GPU in MIG mode, and an exclusive GPU is not shared',
  async () => {
    await using engine = await startGpuEngine();
    await engine.copyImage('debian:bookworm-slim');
    await using machine = await installFakeNvidiaSmi(2, [], {
      0: { slices: ['1g.10gb', '3g.40gb'] },
      1: { computeMode: 'Exclusive_Process' },
    });
    await using files = await testProject('mig');
    const env = { ...engine.env, PATH: `${machine.folder}:${process.env.PATH}`, CUDA_VISIBLE_DEVICES: undefined };
    await using servers = await startServers({ jetStream: true });
    const infra = ['--infra-endpoints', servers.endpoints, '--progress', 'plain', '--pull', 'never'];
    const two = await files.write('two.yaml', GRAPH('two', 2, 1));
    const up = await cli(['up', '-d', two, '-p', 'two', ...infra], env);
    expect(up.stderr).toContain('GPU_SLICE: engine-1 gets slice 0:1 (3g.40gb) and no whole GPU');
    expect(up.exitCode).toBe(0);
    const inside = await cli(['exec', '-p', 'two', 'engine-1', '--', 'sh', '-c', 'cat /proc/1/environ'], env);
    expect(inside.stdout).toContain(`NVIDIA_VISIBLE_DEVICES=${migUuid(0, 1)}`);
    const { stdout } = await cli(['gpus'], env);
    expect(stdout).toMatch(/^0:0 .* MIG 1g\.10gb .*10 GiB .*-/m);
    expect(stdout).toMatch(/^0:1 .* MIG 3g\.40gb .*project two \(engine-1\)/m);
    expect(stdout).toMatch(/^1 .*project two \(engine-0\)/m);

    const wide = await files.write('wide.yaml', GRAPH('wide', 1, 2));
    expect((await cli(['up', '-d', wide, '-p', 'wide', ...infra], env)).stderr).toMatch(/0:0 .*MIG 1g\.10gb .*free/);
    expect((await cli(['down', '-p', 'two'], env)).exitCode).toBe(0);
    const shared = await cli(['up', '-d', two, '-p', 'two', '--gpus', '1', '--share-gpus', ...infra], env);
    expect([shared.exitCode, shared.stderr]).toEqual([3, expect.stringContaining('GPU_EXCLUSIVE')]);
    expect(shared.stderr).toContain('nvidia-smi -i 1 -c DEFAULT');
  },
);

test.skipIf(!canStartEngine())(
  'twenty projects at one moment share eight GPUs without sharing one of them',
  async () => {
    await using engine = await startGpuEngine();
    await engine.copyImage('debian:bookworm-slim');
    await using machine = await installFakeNvidiaSmi(8);
    await using files = await testProject('race');
    await using servers = await startServers({ jetStream: true });
    const env = { ...engine.env, PATH: `${machine.folder}:${process.env.PATH}`, CUDA_VISIBLE_DEVICES: undefined };
    const names = Array.from({ length: 20 }, (_, index) => `race-${index}`);
    const ups = await Promise.all(
      names.map(async (name) => {
        const file = await files.write(`${name}.yaml`, GRAPH(name, 1, 1));
        const flags = ['--infra-endpoints', servers.endpoints, '--progress', 'plain', '--pull', 'never', '--no-logs'];
        return cli(['up', '-d', file, '-p', name, ...flags], env);
      }),
    );
    const refused = ups.filter(({ exitCode }) => exitCode === 3);
    expect(ups.filter(({ exitCode }) => exitCode === 0)).toHaveLength(8);
    expect(refused).toHaveLength(12);
    for (const { stderr } of refused) expect(stderr).toMatch(/GPU_SHORTAGE.*needs 1 GPU/);
    const running = await engine.docker.listContainers({ filters: { label: ['dynamo.gpus'] } });
    expect(new Set(running.map(({ Labels }) => Labels['dynamo.gpus'])).size).toBe(8);
  },
);

test('on a machine without a GPU a graph that needs one ends with 3 and says why', async () => {
  await using project = await testProject('nogpu');
  const file = await project.write('gpu.yaml', GRAPH('nogpu', 1, 1));
  const up = await cli(['up', '-d', file, '-p', project.name], { PATH: '/usr/bin:/bin' });
  expect(up.exitCode).toBe(3);
  expect(up.stderr).toMatch(/GPU_SHORTAGE.*needs 1 GPU/);
  const listed = await cli(['gpus'], { PATH: '/usr/bin:/bin' });
  expect(listed.exitCode).toBe(3);
  expect(listed.stderr).toContain('NO_GPU: nvidia-smi is not installed');
});
