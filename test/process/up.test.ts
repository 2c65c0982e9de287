import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { cli, spawnCli } from '../support/spawn-cli.ts';
import { chat, eventually, example, frontendUrl, ps, testProject } from '../support/test-project.ts';
import { BARE_PATH, PYTHON, processesOf, serverPath } from './support/machine.ts';

/** No engine can be reached. */
const NO_DOCKER = { DOCKER_HOST: 'unix:///no/such/docker.sock' };
const FLAGS = ['--runtime', 'process', '--python', PYTHON, '--port', '0', '--wait-timeout', '90'];

function up(file: string, project: string, ...more: string[]): string[] {
  return ['up', file, '-p', project, ...FLAGS, ...more];
}

async function downAndGone(project: string, env: Readonly<Record<string, string>>): Promise<void> {
  const { exitCode, stderr } = await cli(['down', '-p', project], env);
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining('is down')]);
  await expect.poll(() => processesOf(project), { timeout: 10_000 }).toEqual([]);
}

test.each([
  ['agg', 'with etcd', 3],
  ['agg_router', 'with etcd', 4],
  ['disagg', 'with etcd', 4],
  ['disagg_router', 'with etcd', 5],
  ['agg', 'with no server', 2],
  ['agg_router', 'with no server', 3],
  ['disagg', 'with no server', 3],
  ['disagg_router', 'with no server', 4],
] as const)('%s serves without Docker, %s', async (graph, servers, count) => {
  await using project = await testProject('process');
  const env = { ...NO_DOCKER, PATH: servers === 'with etcd' ? serverPath() : BARE_PATH };
  const { exitCode, stderr } = await cli(up(example(`mocker/${graph}.yaml`), project.name, '-d', '--smoke'), env);
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining('notice PROCESS_INFRA')]);
  const rows = await ps(project.name, env);
  expect(rows.map(({ stage }) => stage)).toEqual(
    Array.from({ length: count }, () => expect.stringMatching(/ready|running/)),
  );
  expect(rows.filter(({ instances }) => instances > 0).every(({ registered }) => registered === 1)).toBe(true);
  await downAndGone(project.name, env);
});

test('events over NATS where a graph wants them, and a runtime version that the interpreter has', async () => {
  await using project = await testProject('process');
  const env = { ...NO_DOCKER, PATH: serverPath() };
  const file = await project.write('planes.env', 'DYN_EVENT_PLANE=nats\nNATS_SERVER=nats://nats:4222\n');
  const { exitCode } = await cli(up(example('mocker/agg_router.yaml'), project.name, '-d', '--env-file', file), env);
  expect(exitCode).toBe(0);
  const rows = await ps(project.name, env);
  expect(rows.map(({ id }) => id)).toEqual(expect.arrayContaining(['etcd', 'nats']));
  expect(rows.find(({ id }) => id === 'frontend-0')?.runtimeVersion).toBe('1.4.2');
  expect(await chat(await frontendUrl(project.name))).not.toBe('');
});

test('the verbs are the same: ps, logs, exec, restart, a second up that changes nothing, ls, stats, down', async () => {
  await using project = await testProject('process');
  const { name } = project;
  const env = { ...NO_DOCKER, PATH: serverPath() };
  const args = up(example('mocker/agg_router.yaml'), name, '-d', '--no-logs');
  expect((await cli(args, env)).exitCode).toBe(0);
  const before = await ps(name, env);
  const again = await cli(args, env);
  expect([again.exitCode, again.stderr]).toEqual([0, expect.stringContaining('nothing to do')]);
  const starts = (rows: typeof before) => rows.map(({ id, startedAt, restarts }) => [id, startedAt, restarts]);
  expect(starts(await ps(name, env))).toEqual(starts(before));

  const port = await cli(
    ['exec', '-p', name, 'decode-1', '--', 'sh', '-c', 'echo "$DYN_SYSTEM_PORT $SECRET"; exit 3'],
    {
      ...env,
      SECRET: 'of the caller',
    },
  );
  expect([port.exitCode, port.stdout]).toEqual([3, expect.stringMatching(/^\d{5} \n$/)]);
  const logs = await cli(['logs', '-p', name, 'decode-0'], env);
  expect(logs.stdout).toContain('system status server bound to');
  const { exitCode, stderr } = await cli(['restart', '-p', name, 'decode-0'], env);
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining('restarted')]);
  const after = await ps(name, env);
  const startOf = (rows: typeof after, id: string) => rows.find((row) => row.id === id)?.startedAt;
  expect(startOf(after, 'decode-0')).not.toBe(startOf(before, 'decode-0'));
  expect(startOf(after, 'decode-1')).toBe(startOf(before, 'decode-1'));
  expect(await chat(await frontendUrl(name))).not.toBe('');
  expect((await cli(['ls', '-q'], env)).stdout.split('\n')).toContain(name);
  expect(JSON.parse((await cli(['stats', '-p', name, '--format', 'json'], env)).stdout)).toHaveLength(4);
  await downAndGone(name, env);
  expect((await cli(['ls', '-q'], env)).stdout.split('\n')).not.toContain(name);
});

test('a changed component alone restarts', async () => {
  await using project = await testProject('process');
  const { name } = project;
  const env = { ...NO_DOCKER, PATH: BARE_PATH };
  const file = example('mocker/disagg.yaml');
  expect((await cli(up(file, name, '-d'), env)).exitCode).toBe(0);
  const before = await ps(name, env);
  const { exitCode } = await cli(up(file, name, '-d', '--scale', 'decode=2'), env);
  expect(exitCode).toBe(0);
  const after = await ps(name, env);
  expect(after.map(({ id }) => id)).toEqual(['decode-0', 'decode-1', 'frontend-0', 'prefill-0']);
  for (const row of before) expect(after.find(({ id }) => id === row.id)?.startedAt).toBe(row.startedAt);
});

test.each(['SIGKILL', 'SIGHUP'] as const)('no orphan is left when up in the foreground ends by %s', async (signal) => {
  await using project = await testProject('process');
  const env = { ...NO_DOCKER, PATH: serverPath() };
  const run = spawnCli(up(example('mocker/disagg_router.yaml'), project.name, '--progress', 'plain'), env);
  await run.untilSaid('ready after');
  expect(processesOf(project.name).length).toBeGreaterThan(5);
  run.child.kill(signal);
  await run.ended;
  await expect.poll(() => processesOf(project.name), { timeout: 20_000 }).toEqual([]);
  expect((await ps(project.name, env)).map(({ status }) => status)).toEqual(Array.from({ length: 5 }, () => 'exited'));
  await downAndGone(project.name, env);
});

test('Ctrl-C while replicas are started leaves none of them, also of starts that were under way', async () => {
  await using project = await testProject('process');
  const env = { ...NO_DOCKER, PATH: BARE_PATH };
  const attached = spawnCli(up(example('mocker/disagg.yaml'), project.name, '--progress', 'plain'), env);
  await attached.untilSaid(/frontend-0 +starting/);
  attached.child.kill('SIGINT');
  expect(await attached.ended).toBe(130);
  await expect
    .poll(() => processesOf(project.name).filter((line) => !line.includes('node')), { timeout: 10_000 })
    .toEqual([]);
  await downAndGone(project.name, env);
});

test('a keeper that is killed takes the graph down with it: up in the foreground ends with 4, and nothing is left', async () => {
  await using project = await testProject('process');
  const env = { ...NO_DOCKER, PATH: serverPath() };
  const run = spawnCli(up(example('mocker/agg.yaml'), project.name, '--progress', 'plain'), env);
  await run.untilSaid('ready after');
  const keeper = processesOf(project.name).find((line) => isKeeper(line));
  process.kill(Number(keeper?.split(' ')[0]), 'SIGKILL');
  expect(await run.ended).toBe(4);
  expect(run.stderr()).toContain('KEEPER_LOST');
  await expect.poll(() => processesOf(project.name).filter((line) => !isKeeper(line)), { timeout: 10_000 }).toEqual([]);
});

function isKeeper(line: string): boolean {
  return readFileSync(`/proc/${line.split(' ')[0]}/cmdline`, 'latin1').includes('keeper.cjs');
}

test('Ctrl-C stops everything and leaves the logs; what is brought up detached outlives its command', async () => {
  await using project = await testProject('process');
  const env = { ...NO_DOCKER, PATH: BARE_PATH };
  const run = spawnCli(up(example('mocker/agg.yaml'), project.name, '--progress', 'plain'), env);
  await run.untilSaid('ready after');
  run.child.kill('SIGINT');
  expect(await run.ended).toBe(130);
  await expect.poll(() => processesOf(project.name), { timeout: 10_000 }).toEqual([]);
  expect((await cli(['logs', '-p', project.name, 'frontend'], env)).stdout).toContain('Starting HTTP');
  expect((await cli(up(example('mocker/agg.yaml'), project.name, '-d'), env)).exitCode).toBe(0);
  await sleep(3000);
  expect(await chat(await frontendUrl(project.name))).not.toBe('');
});

test('a worker that is killed comes back, in the foreground and detached', async () => {
  await using project = await testProject('process');
  const { name } = project;
  const env = { ...NO_DOCKER, PATH: serverPath() };
  const worker = () =>
    Number(
      processesOf(name)
        .find((line) => line.includes('python') && isMocker(line))
        ?.split(' ')[0],
    );
  const run = spawnCli(up(example('mocker/agg.yaml'), name, '--progress', 'plain'), env);
  await run.untilSaid('ready after');
  process.kill(worker(), 'SIGKILL');
  await run.untilSaid(/decode-0 .*restart/);
  await eventually(async () => expect((await ps(name, env)).find(({ id }) => id === 'decode-0')?.stage).toBe('ready'));
  run.child.kill('SIGINT');
  await run.ended;
  expect((await cli(up(example('mocker/agg.yaml'), name, '-d'), env)).exitCode).toBe(0);
  process.kill(worker(), 'SIGKILL');
  await eventually(async () =>
    expect((await ps(name, env)).find(({ id }) => id === 'decode-0')).toMatchObject({ stage: 'ready', restarts: 1 }),
  );
});

function isMocker(line: string): boolean {
  const pid = line.split(' ')[0];
  // Its own words, as the kernel has them.
  return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('dynamo.mocker');
}

test('two projects at once do not meet', async () => {
  await using first = await testProject('process-a');
  await using second = await testProject('process-b');
  const env = { ...NO_DOCKER, PATH: serverPath() };
  const runs = [first, second].map(({ name }) => cli(up(example('mocker/agg_router.yaml'), name, '-d'), env));
  expect((await Promise.all(runs)).map(({ exitCode }) => exitCode)).toEqual([0, 0]);
  const [a, b] = await Promise.all([frontendUrl(first.name), frontendUrl(second.name)]);
  expect(a).not.toBe(b);
  for (let request = 0; request < 4; request += 1) await chat(a ?? '');
  const served = async (name: string) => (await ps(name, env)).reduce((sum, row) => sum + (row.served ?? 0), 0);
  const before = await served(second.name);
  for (let request = 0; request < 4; request += 1) await chat(a ?? '');
  expect(await served(second.name)).toBe(before);
});

test('--mock serves a graph of engines under its own model, and a launch script is brought up from its own tree', async () => {
  await using mocked = await testProject('process-mock');
  await using script = await testProject('process-script');
  const env = { ...NO_DOCKER, PATH: `${serverPath()}:${process.env.PATH ?? ''}` };
  const graph = await cli(up(example('vllm/disagg.yaml'), mocked.name, '-d', '--mock'), env);
  expect([graph.exitCode, graph.stderr]).toEqual([0, expect.stringContaining('ready after')]);
  expect(await chat(await frontendUrl(mocked.name), 'Qwen/Qwen3-0.6B')).not.toBe('');
  const launched = await cli(up(example('mocker/disagg.sh'), script.name, '-d'), env);
  expect([launched.exitCode, launched.stderr]).toEqual([0, expect.stringContaining('ready after')]);
  expect(await chat(await frontendUrl(script.name))).not.toBe('');
});

test('a name that containers have is not given to processes, nor the other way round', async () => {
  await using project = await testProject('process-name');
  const file = example('mocker/agg.yaml');
  const env = { PATH: `${serverPath()}:${process.env.PATH ?? ''}` };
  expect((await cli(up(file, project.name, '-d'), env)).exitCode).toBe(0);
  const docker = await cli(['up', file, '-p', project.name, '-d', '--port', '0'], env);
  expect([docker.exitCode, docker.stderr]).toEqual([3, expect.stringContaining('as processes')]);
  await downAndGone(project.name, env);
  expect((await cli(['up', file, '-p', project.name, '-d', '--port', '0'], env)).exitCode).toBe(0);
  const processes = await cli(up(file, project.name, '-d'), env);
  expect([processes.exitCode, processes.stderr]).toEqual([3, expect.stringContaining('in containers')]);
});

test('what cannot be had is refused by name, with what to do', async () => {
  const env = { ...NO_DOCKER, PATH: BARE_PATH };
  const file = example('mocker/agg.yaml');
  const none = await cli(['up', file, '--runtime', 'process', '--python', '/no/such/python'], env);
  expect([none.exitCode, none.stderr]).toEqual([3, expect.stringContaining('/no/such/python')]);
  const missing = await cli(['up', file, '--runtime', 'process'], env);
  expect([missing.exitCode, missing.stderr]).toEqual([3, expect.stringContaining('pip install ai-dynamo')]);
  const flag = await cli(['up', file, '--python', PYTHON], env);
  expect([flag.exitCode, flag.stderr]).toEqual([2, expect.stringContaining('--runtime process')]);
  const unknown = await cli(['up', file, '--runtime', 'podman'], env);
  expect(unknown.exitCode).toBe(2);
});

test('a worker that cannot start is a card with its own last lines', async () => {
  await using project = await testProject('process');
  const env = { ...NO_DOCKER, PATH: BARE_PATH };
  const text = `
apiVersion: nvidia.com/v1beta1
kind: DynamoGraphDeployment
metadata: { name: broken }
spec:
  components:
    - name: decode
      type: worker
      podTemplate:
        spec:
          containers:
            - name: main
              image: dynamo-cpu:1.4.2
              command: [python3, -m, dynamo.mocker, --no-such-flag]
`;
  const file = await project.write('broken.yaml', text);
  const { exitCode, stderr } = await cli(up(file, project.name), env);
  expect([exitCode, stderr]).toEqual([4, expect.stringContaining('--no-such-flag')]);
  await expect.poll(() => processesOf(project.name), { timeout: 10_000 }).toEqual([]);
});
