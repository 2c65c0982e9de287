import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { installFakeNvidiaSmi } from '../support/fake-nvidia-smi.ts';
import { cli, spawnCli } from '../support/spawn-cli.ts';
import { docker, example, ps, type TestProject, testProject } from '../support/test-project.ts';
import { startServers } from './support/shared-servers.ts';

/** A graph of one plain component; `main` is what its container says besides its name. */
function plainGraph(main: Readonly<Record<string, unknown>>): string {
  const container = { name: 'main', image: 'dynamo-cpu:1.4.2', ...main };
  return JSON.stringify({
    apiVersion: 'nvidia.com/v1beta1',
    kind: 'DynamoGraphDeployment',
    metadata: { name: 'plain' },
    spec: {
      components: [
        {
          name: 'job',
          replicas: 1,
          podTemplate: { spec: { terminationGracePeriodSeconds: 1, containers: [container] } },
        },
      ],
    },
  });
}

/** An example with the environment of one component changed. */
async function withEnv(component: string, env: Readonly<Record<string, string>>): Promise<string> {
  const text = await readFile(example('mocker/agg.yaml'), 'utf8');
  const entries = JSON.stringify(Object.entries(env).map(([name, value]) => ({ name, value })));
  const [head = '', tail = ''] = text.split(
    new RegExp(`(?<=name: ${component}\\n[^]*?image: dynamo-cpu:1.4.2\\n)([^]*)`),
  );
  return `${head}              env: ${entries}\n${tail}`;
}

interface Card {
  readonly code: string;
  readonly exitCode: number;
  readonly replica: string | null;
  readonly ended: { readonly exitCode: number; readonly signal: string | null; readonly oomKilled: boolean } | null;
  readonly stage: string | null;
  readonly lastAnswer: string | null;
  readonly lastLines: readonly string[];
  readonly cause: string | null;
  readonly hint: string;
  readonly next: string;
}

function readCards(stderr: string): readonly Card[] {
  return stderr
    .split('\n')
    .filter((line) => line.startsWith('{"time"'))
    .map((line) => JSON.parse(line))
    .filter((event) => event.type === 'failed');
}

const FLAGS = ['--port', '0', '--progress', 'json'];

/** The one card of an up that fails; what is left of it goes with down. */
async function failUp(project: TestProject, file: string, flags: readonly string[] = [], env = {}): Promise<Card> {
  const up = await cli(['up', '-d', file, '-p', project.name, ...FLAGS, ...flags], env);
  return readFailure(project, up);
}

async function readFailure(
  project: TestProject,
  up: { readonly stderr: string; readonly exitCode: number | string },
): Promise<Card> {
  const cards = readCards(up.stderr);
  expect(cards, up.stderr).toHaveLength(1);
  const [card] = cards;
  if (!card) throw new Error('no card');
  expect(up.exitCode).toBe(card.exitCode);
  expect(card.hint).not.toBe('');
  expect(card.next).toContain(project.name);
  // The text says the same, in lines that a terminal shows.
  const text = up.stderr.slice(up.stderr.indexOf(`error ${card.code}`));
  expect(text).toContain(card.next);
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  expect((await cli(['down', '-v', '-p', project.name, '--progress', 'quiet'])).exitCode).toBe(0);
  expect(await project.leftovers()).toEqual([]);
  return card;
}

const SLOW_PROBE = { readinessProbe: { tcpSocket: { port: 9 } } };

interface Fault {
  readonly title: string;
  readonly main: Readonly<Record<string, unknown>>;
  readonly flags?: readonly string[];
  readonly card: Readonly<Record<string, unknown>>;
}

const FAULTS: readonly Fault[] = [
  {
    title: 'a crash at import',
    main: { command: ['python3', '-m', 'dynamo.vllm'], ...SLOW_PROBE },
    card: { code: 'MODULE_MISSING', exitCode: 4, cause: expect.stringContaining('vllm') },
  },
  {
    title: 'a bad flag',
    main: { command: ['python3', '-m', 'dynamo.mocker', '--no-such-flag'], ...SLOW_PROBE },
    card: { code: 'FLAG_UNKNOWN', exitCode: 4, cause: expect.stringContaining('--no-such-flag') },
  },
  {
    title: 'a missing model',
    main: { command: ['python3', '-m', 'dynamo.mocker'], args: ['--model-path', '/no/such/model'], ...SLOW_PROBE },
    card: { code: 'MODEL_MISSING', exitCode: 4 },
  },
  {
    title: 'an OOM kill',
    main: {
      command: ['python3', '-c', 'data = bytearray(2**30)'],
      resources: { limits: { memory: '64Mi' } },
      ...SLOW_PROBE,
    },
    // Now and then the engine never learns that it was the memory: oomKilled is false then, and the verdict the same.
    card: { code: 'OUT_OF_MEMORY', exitCode: 4, ended: { exitCode: 137, signal: 'SIGKILL' } },
  },
  {
    title: 'a wrong probe path',
    main: {
      command: ['python3', '-m', 'http.server', '8123'],
      startupProbe: { httpGet: { port: 8123, path: '/nope' }, periodSeconds: 1, failureThreshold: 8 },
    },
    card: { code: 'PROBE_PATH', exitCode: 5, lastAnswer: expect.stringContaining('404'), stage: 'started' },
  },
  {
    title: 'what never becomes ready',
    main: {
      command: ['sleep', '100'],
      startupProbe: { httpGet: { port: 9999, path: '/' }, periodSeconds: 1, failureThreshold: 2 },
    },
    card: { code: 'NOT_READY', exitCode: 5, stage: 'started', lastAnswer: expect.stringContaining('refused') },
  },
  {
    title: 'an image without python',
    main: { image: 'debian:bookworm-slim', command: ['python3', '-m', 'dynamo.frontend'] },
    card: { code: 'COMMAND_NOT_FOUND', exitCode: 4, replica: 'job-0' },
  },
];

test.concurrent.each(FAULTS)('$title gives its card and nothing is left after down', async ({ main, flags, card }) => {
  await using project = await testProject('card');
  const file = await project.write('plain.yaml', plainGraph(main));
  expect(await failUp(project, file, flags)).toMatchObject({ replica: 'job-0', ...card });
});

test.concurrent('a GPU that the engine refuses gives its card', async () => {
  await using project = await testProject('gpu');
  await using gpus = await installFakeNvidiaSmi(1);
  const main = { command: ['sleep', '100'], resources: { limits: { 'nvidia.com/gpu': '1' } } };
  const file = await project.write('gpu.yaml', plainGraph(main));
  const card = await failUp(project, file, [], { PATH: `${gpus.folder}:${process.env.PATH}` });
  expect(card).toMatchObject({ code: 'GPU_REFUSED', exitCode: 3, replica: 'job-0' });
});

test.concurrent('a port that is taken gives its card before anything starts', async () => {
  await using project = await testProject('port');
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address ? String(address.port) : '';
  const card = await failUp(project, example('mocker/agg.yaml'), ['--port', port]);
  server.close();
  expect(card).toMatchObject({ code: 'PORT_TAKEN', exitCode: 3, replica: 'frontend-0' });
});

test.concurrent.each(['etcd', 'nats'] as const)(
  '%s that is killed is the cause of all that follows',
  async (service) => {
    await using project = await testProject(service);
    const file = await project.write('plain.yaml', plainGraph({ command: ['sleep', '100'], ...SLOW_PROBE }));
    const up = spawnCli(['up', '-d', file, '-p', project.name, ...FLAGS]);
    await up.untilSaid(/"replica":"job-0","stage":"started"/);
    await docker.getContainer(`${project.name}-${service}`).kill();
    const exitCode = await up.ended;
    expect(await readFailure(project, { stderr: up.stderr(), exitCode })).toMatchObject({
      code: `${service.toUpperCase()}_DIED`,
      exitCode: 4,
      replica: service,
      ended: { exitCode: 137, signal: 'SIGKILL' },
    });
  },
);

test.concurrent('NATS without JetStream is refused where the runtime needs it', async () => {
  await using project = await testProject('js');
  await using servers = await startServers({ jetStream: false });
  const flags = ['--infra-endpoints', servers.endpoints, '--runtime-version', '0.6.1'];
  const card = await failUp(project, example('mocker/agg.yaml'), flags);
  expect(card).toMatchObject({ code: 'NATS_NO_JETSTREAM', exitCode: 3, replica: 'nats' });
});

test.concurrent('a frontend of another namespace never lists the model, and that is said', async () => {
  await using project = await testProject('ns');
  const file = await project.write(
    'ns.yaml',
    await withEnv('Frontend', { DYN_NAMESPACE: 'elsewhere', DYN_NAMESPACE_PREFIX: 'elsewhere' }),
  );
  expect(await failUp(project, file)).toMatchObject({
    code: 'NAMESPACE_MISMATCH',
    exitCode: 5,
    replica: 'frontend-0',
    stage: 'ready',
  });
});

test.concurrent('a model that is listed before it can serve is not called ready', async () => {
  await using project = await testProject('plane');
  // The frontend asks over TCP, the worker listens at NATS: the model is listed, and every request fails (facts/versions.md §1).
  const file = await project.write(
    'plane.yaml',
    await withEnv('decode', { DYN_REQUEST_PLANE: 'nats', NATS_SERVER: 'nats://nats:4222' }),
  );
  const up = await cli(['up', '-d', file, '-p', project.name, ...FLAGS, '--wait-timeout', '30']);
  expect(up.stderr).toContain('"stage":"listed"');
  expect(up.stderr).not.toContain('graph-ready');
  expect(await readFailure(project, up)).toMatchObject({ code: 'NOT_SERVING', exitCode: 5, replica: 'frontend-0' });
});

test.concurrent('a frontend that answers 200 on /health without a worker is not called ready', async () => {
  await using project = await testProject('health');
  const text = await readFile(example('mocker/agg.yaml'), 'utf8');
  const file = await project.write(
    'late.yaml',
    text
      .replace('command: [python3, -m, dynamo.mocker]', 'command: [sh, -c]')
      .replace(/args: \[(.*)\]/, 'args: ["sleep 1000; exec python3 -m dynamo.mocker --model-path local/tiny"]'),
  );
  const up = spawnCli(['up', '-d', file, '-p', project.name, ...FLAGS, '--wait-timeout', '25']);
  await up.untilSaid(/"replica":"frontend-0","stage":"ready"/);
  const url = (await ps(project.name)).find((row) => row.url)?.url ?? '';
  expect((await fetch(`${url}/health`)).status).toBe(200);
  const exitCode = await up.ended;
  expect(up.stderr()).not.toContain('graph-ready');
  expect(up.stderr()).not.toContain('"stage":"routable"');
  expect(await readFailure(project, { stderr: up.stderr(), exitCode })).toMatchObject({
    exitCode: 5,
    replica: 'decode-0',
  });
});
