import { expect, test } from 'vitest';
import { fromJson, type Json, type MapNode } from '../../../src/model/node.ts';
import { readCompanionValues } from '../../../src/plan/companion-values.ts';
import { POD_ADDRESS, readContainerEnv, stableUid } from '../../../src/plan/container-env.ts';

const ORIGIN = { kind: 'file', at: { file: 'g.yaml', line: 3, col: 5 } } as const;

function node(json: Json): MapNode {
  const made = fromJson(json, ORIGIN);
  if (made.kind !== 'map') throw new Error('no map');
  return made;
}

const companions = readCompanionValues(
  {
    secrets: new Map([
      ['keys', node({ data: { A: Buffer.from('one').toString('base64') }, stringData: { B: 'two' } })],
    ]),
    configMaps: new Map([['config', node({ data: { mode: 'fast\n' } })]]),
    claims: new Map(),
  },
  'hf_canary',
);
const identity = {
  podName: 'p-decode-0',
  namespace: 'default',
  uid: stableUid('p'),
  labels: { app: 'x' },
  annotations: {},
  serviceAccount: 'sa',
};

function read(json: Json) {
  const { env, diagnostics } = readContainerEnv(node(json), identity, companions);
  return {
    values: Object.fromEntries(env.map(({ name, value }) => [name, value])),
    secrets: env.filter((entry) => entry.secret).map((entry) => entry.name),
    codes: diagnostics.map((entry) => entry.code),
  };
}

test('env beats envFrom, later names win, $(NAME) sees what stands before it', () => {
  const { values } = read({
    envFrom: [{ secretRef: { name: 'keys' } }],
    env: [
      { name: 'B', value: 'own' },
      { name: 'LATER', value: '$(B)-$(AFTER)' },
      { name: 'AFTER', value: 'x' },
    ],
  });
  expect(values).toEqual({ A: 'one', B: 'own', LATER: 'own-$(AFTER)', AFTER: 'x' });
});

test('what came from a Secret, or is made of one, is secret', () => {
  const { secrets, values } = read({
    envFrom: [{ secretRef: { name: 'keys' }, prefix: 'K_' }],
    env: [
      { name: 'ONE', valueFrom: { secretKeyRef: { name: 'keys', key: 'A' } } },
      { name: 'URL', value: 'http://$(ONE)@host' },
      { name: 'PLAIN', value: 'x' },
    ],
  });
  expect(values.URL).toBe('http://one@host');
  expect(secrets).toEqual(['K_A', 'K_B', 'ONE', 'URL']);
});

test('hf-token-secret stands in from the login when no file defines it', () => {
  const { values, secrets, codes } = read({ envFrom: [{ secretRef: { name: 'hf-token-secret' } }] });
  expect(values).toEqual({ HF_TOKEN: 'hf_canary' });
  expect(secrets).toEqual(['HF_TOKEN']);
  expect(codes).toEqual([]);
});

test('a missing Secret is said unless it is optional', () => {
  expect(read({ envFrom: [{ secretRef: { name: 'none' } }] }).codes).toEqual(['SECRET_MISSING']);
  expect(read({ envFrom: [{ secretRef: { name: 'none', optional: true } }] }).codes).toEqual([]);
  expect(read({ env: [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'config', key: 'none' } } }] }).codes).toEqual(
    ['CONFIG_MAP_MISSING'],
  );
});

test('ConfigMap text is exact and the pod knows itself', () => {
  const { values } = read({
    env: [
      { name: 'MODE', valueFrom: { configMapKeyRef: { name: 'config', key: 'mode' } } },
      { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'NS', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
      { name: 'APP', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
      { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
    ],
  });
  expect(values).toEqual({ MODE: 'fast\n', POD: 'p-decode-0', NS: 'default', APP: 'x', IP: POD_ADDRESS });
});

test('an empty value stays an empty variable', () => {
  expect(read({ env: [{ name: 'OFF', value: '' }] }).values).toEqual({ OFF: '' });
});
