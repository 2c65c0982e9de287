import { expect, test } from 'vitest';
import { fromJson, type Json, type MapNode } from '../../../src/model/node.ts';
import { readCompanionValues } from '../../../src/plan/companion-values.ts';
import { readContainerEnv } from '../../../src/plan/container-env.ts';
import { POD_ADDRESS, stableUid } from '../../../src/plan/pod-identity.ts';

const ORIGIN = { kind: 'file', at: { file: 'g.yaml', line: 3, col: 5 } } as const;

function node(json: Json): MapNode {
  const made = fromJson(json, ORIGIN);
  if (made.kind !== 'map') throw new Error('no map');
  return made;
}

const companions = readCompanionValues(
  {
    secrets: new Map([
      ['binary', node({ data: { bin: Buffer.from('canary\0x').toString('base64') } })],
      ['keys', node({ data: { A: Buffer.from('one').toString('base64') }, stringData: { B: 'two' } })],
    ]),
    configMaps: new Map([['config', node({ data: { mode: 'fast\n' }, binaryData: { blob: 'AAE=' } })]]),
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
  containers: new Map(),
  host: { cpus: 4, memoryBytes: 2 ** 30 },
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

test('a missing Secret or key is an error unless it is optional', () => {
  expect(read({ envFrom: [{ secretRef: { name: 'none' } }] }).codes).toEqual(['SECRET_MISSING']);
  expect(read({ envFrom: [{ secretRef: { name: 'none', optional: true } }] }).codes).toEqual([]);
  expect(read({ env: [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'config', key: 'none' } } }] }).codes).toEqual(
    ['CONFIG_MAP_MISSING'],
  );
  expect(
    read({ env: [{ name: 'X', valueFrom: { secretKeyRef: { name: 'keys', key: 'none', optional: true } } }] }).codes,
  ).toEqual([]);
});

test.each([
  [undefined, ['HF_TOKEN_MISSING', 'notice']],
  [true, []],
  [false, ['SECRET_MISSING', 'error']],
])('a Hugging Face token that nobody has, optional: %s', (optional, expected) => {
  const reference = { name: 'hf-token-secret', ...(optional === undefined ? {} : { optional }) };
  const nothing = readCompanionValues({ secrets: new Map(), configMaps: new Map(), claims: new Map() }, undefined);
  const { diagnostics } = readContainerEnv(node({ envFrom: [{ secretRef: reference }] }), identity, nothing);
  expect(diagnostics.flatMap(({ code, severity }) => [code, severity])).toEqual(expected);
});

test('limits are told in whole divisors, rounded up; a missing one is what the machine has', () => {
  const variable = (name: string, resource: string, divisor?: string) => ({
    name,
    valueFrom: { resourceFieldRef: { resource, ...(divisor ? { divisor } : {}) } },
  });
  const { values, codes } = read({
    resources: { limits: { memory: '513Mi' }, requests: { cpu: '1500m' } },
    env: [
      variable('MEMORY', 'limits.memory', '512Mi'),
      variable('CPUS', 'limits.cpu'),
      variable('ASKED', 'requests.cpu'),
      variable('WANTED', 'requests.memory', '1Mi'),
      variable('DISK', 'limits.ephemeral-storage'),
    ],
  });
  expect(values).toEqual({ MEMORY: '2', CPUS: '4', ASKED: '2', WANTED: '513', DISK: '' });
  expect(codes).toEqual(['FIELD_REF_UNKNOWN']);
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

test('files alone have binaryData; a zero byte is refused without the value', () => {
  const whole = read({ envFrom: [{ configMapRef: { name: 'config' } }] });
  expect(whole.values).toEqual({ mode: 'fast\n' });
  const key = { configMapKeyRef: { name: 'config', key: 'blob' } };
  expect(read({ env: [{ name: 'B', valueFrom: key }] })).toMatchObject({ values: {}, codes: [expect.any(String)] });
  const zero = readContainerEnv(node({ envFrom: [{ secretRef: { name: 'binary' } }] }), identity, companions);
  expect(zero.env).toEqual([]);
  expect(zero.diagnostics.map(({ code }) => code)).toEqual(['VARIABLE_BINARY']);
  expect(JSON.stringify(zero.diagnostics)).not.toContain('canary');
});
