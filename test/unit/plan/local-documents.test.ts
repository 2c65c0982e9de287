import { expect, test } from 'vitest';
import type { DesiredEnv, DesiredState } from '../../../src/model/desired-state.ts';
import { localDocuments } from '../../../src/plan/local-documents.ts';
import { desiredContainer, desiredReplica, desiredState } from './builders.ts';
import { betaText, layOut } from './lay-out.ts';

const CANARY = 'canary-5309';
const env = (name: string, value: string, secret: boolean): DesiredEnv => ({
  name,
  value,
  secret,
  origin: { kind: 'flag', flag: '--env-file' },
});

test('replicas with their containers and the deviations are told, and no value of a secret, wherever it was expanded to', () => {
  const container = desiredContainer('p-decode-0', {
    entrypoint: ['python3'],
    args: [`--token=${CANARY}`],
    env: [env('TOKEN', CANARY, true), env('URL', `http://${CANARY}@a`, false), env('A', 'b', false)],
    files: [{ path: '/secrets/token', content: CANARY, mode: 0o400, secret: true, owner: undefined }],
  });
  const desired: DesiredState = {
    project: 'p',
    graph: 'g',
    generation: '1.5',
    source: 'a.yaml',
    network: 'p_default',
    volumes: [],
    infra: [],
    servers: { nats: false, jetStream: false },
    pullLogins: new Map(),
    replicas: [desiredReplica('decode-0', [container])],
    notices: [],
  };
  const deviation = { component: 'decode', deviation: 'd', reason: 'why', changes: { X: 'y' } };
  const documents = localDocuments(desired, [deviation]);
  expect(JSON.stringify(documents)).not.toContain(CANARY);
  expect(documents).toMatchObject([
    {
      kind: 'Replica',
      containers: [
        {
          command: ['python3'],
          args: ['--token=(secret)'],
          env: { TOKEN: '(secret)', URL: 'http://(secret)@a', A: 'b' },
          files: ['/secrets/token'],
        },
      ],
    },
    { kind: 'Deviations', deviations: [deviation] },
  ]);
});

test('what a container may do and use is told, with its probes and without secrets in them', () => {
  const handler = { kind: 'exec', command: ['check', `--token=${CANARY}`] } as const;
  const timing = {
    initialDelaySeconds: 0,
    periodSeconds: 5,
    timeoutSeconds: 1,
    successThreshold: 1,
    failureThreshold: 3,
  };
  const container = desiredContainer('p-decode-0', {
    env: [env('TOKEN', CANARY, true)],
    user: '1000:0',
    groups: [1000],
    capabilitiesAdd: ['IPC_LOCK'],
    memoryBytes: 1024,
    cpus: 2,
    ulimits: [{ name: 'memlock', soft: -1, hard: -1 }],
    graceSeconds: 7,
    probes: { readiness: { handler, ...timing } },
  });
  const [replica] = localDocuments(desiredState([desiredReplica('decode-0', [container])], { infra: [] }), []);
  expect(replica).toMatchObject({
    containers: [
      {
        user: '1000:0',
        groups: [1000],
        capabilitiesAdd: ['IPC_LOCK'],
        memoryBytes: 1024,
        cpus: 2,
        ulimits: [{ name: 'memlock', soft: -1, hard: -1 }],
        graceSeconds: 7,
        probes: { readiness: { handler: { command: ['check', '--token=(secret)'] }, periodSeconds: 5 } },
      },
    ],
  });
});

test('what this machine leaves out of a graph is a deviation', () => {
  const planner =
    '{name: Planner, type: planner, podTemplate: {spec: {containers: [{name: main, image: "p:1.0.0", command: [python3, -m, dynamo.planner]}]}}}';
  const greedy =
    '{name: Frontend, type: frontend, podTemplate: {spec: {containers: [{name: main, image: "y:1.0.0", resources: {limits: {cpu: "4000"}}}]}}}';
  const many =
    '{name: decode, type: worker, multinode: {nodeCount: 2}, podTemplate: {spec: {containers: [{name: main, image: "x:1.0.0", command: [python3, -m, dynamo.vllm], args: [--model, m], resources: {limits: {"nvidia.com/gpu": "1"}}}]}}}';
  const built = layOut(betaText(greedy, planner, many));
  const notices = [...built.diagnostics, ...built.desired.notices];
  const documents = localDocuments({ ...built.desired, notices }, []);
  const rows = documents.at(-1);
  expect(rows).toMatchObject({ kind: 'Deviations' });
  const text = JSON.stringify(rows);
  for (const id of ['cluster-only', 'cpu-limit', 'multinode']) expect(text).toContain(`"deviation":"${id}"`);
});
