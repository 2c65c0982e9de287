import { expect, test } from 'vitest';
import type { DesiredEnv, DesiredState } from '../../../src/model/desired-state.ts';
import { localDocuments } from '../../../src/plan/local-documents.ts';
import { desiredContainer, desiredReplica } from './builders.ts';

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
