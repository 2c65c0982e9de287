import { expect, test } from 'vitest';
import { fromJson, itemsAt, type MapNode, stringAt } from '../../../src/model/node.ts';
import { runtimeFacts } from '../../../src/operator/runtime-facts.ts';
import { applyDeviations, type InfraAddresses } from '../../../src/plan/deviations.ts';

const OWN: InfraAddresses = { etcd: 'http://etcd:2379', nats: 'nats://nats:4222', shared: false };
const SHARED: InfraAddresses = { etcd: 'http://10.0.0.1:2379', nats: 'nats://10.0.0.1:4222', shared: true };

function apply(env: Record<string, string>, version: string, infra = OWN, args: readonly string[] = []) {
  const template = fromJson(
    {
      spec: {
        containers: [
          { name: 'main', args: [...args], env: Object.entries(env).map(([name, value]) => ({ name, value })) },
          { name: 'other', env: [] },
        ],
      },
    },
    { kind: 'operator', generation: '1.5', source: 'x.go:1' },
  );
  const { podTemplate, applied } = applyDeviations({
    component: 'decode',
    podTemplate: template as MapNode,
    context: { project: 'p', runtime: runtimeFacts(version), infra },
  });
  const main = itemsAt(podTemplate, 'spec', 'containers')[0];
  const values = Object.fromEntries(
    itemsAt(main, 'env').map((item) => [stringAt(item, 'name'), stringAt(item, 'value')]),
  );
  return {
    values,
    rows: applied.map((row) => row.deviation),
    other: itemsAt(podTemplate, 'spec', 'containers', 1, 'env'),
  };
}

test('kubernetes discovery becomes etcd, with its address', () => {
  const { values, rows } = apply({ DYN_DISCOVERY_BACKEND: 'kubernetes' }, '1.4.2');
  expect(values).toEqual({ DYN_DISCOVERY_BACKEND: 'etcd', ETCD_ENDPOINTS: 'http://etcd:2379' });
  expect(rows).toEqual(['discovery-backend', 'etcd-endpoints']);
});

test.each([
  ['1.4.2', {}, false],
  ['1.6.1', {}, false],
  ['1.2.1', {}, true],
  ['1.0.2', {}, true],
  ['0.6.1', {}, true],
  ['1.4.2', { DYN_EVENT_PLANE: 'nats' }, true],
  ['1.4.2', { DYN_REQUEST_PLANE: 'nats' }, true],
])('runtime %s with %j is given NATS: %s', (version, env, given) => {
  expect(apply(env, version).values.NATS_SERVER).toBe(given ? 'nats://nats:4222' : undefined);
});

test.each([
  [['-m', 'dynamo.frontend', '--request-plane', 'nats']],
  [['python3 -m dynamo.vllm --event-plane=nats --model m']],
])('a plane that is chosen by a flag is given NATS: %j', (args) => {
  expect(apply({}, '1.4.2', OWN, args).values.NATS_SERVER).toBe('nats://nats:4222');
  expect(apply({}, '1.4.2', OWN, [args.join(' ').replace('nats', 'tcp')]).values.NATS_SERVER).toBeUndefined();
});

test('addresses that the cluster or the file gives stay: our servers answer to their names', () => {
  const written = { ETCD_ENDPOINTS: 'dynamo-platform-etcd:2379', NATS_SERVER: 'nats://dynamo-platform-nats:4222' };
  expect(apply(written, '0.6.1').values).toEqual(written);
});

test('an empty NATS_SERVER is the file’s way to say none', () => {
  expect(apply({ NATS_SERVER: '' }, '1.0.2').values.NATS_SERVER).toBe('');
});

test('0.4 engines read their namespace from another variable', () => {
  expect(apply({ DYN_NAMESPACE: 'ns' }, '0.4.1').values.DYNAMO_NAMESPACE).toBe('ns');
  expect(apply({ DYN_NAMESPACE: 'ns' }, '0.6.1').values.DYNAMO_NAMESPACE).toBeUndefined();
});

test('on shared servers addresses are replaced and namespaces end so that none begins another', () => {
  const { values } = apply(
    {
      DYN_NAMESPACE: 'default-a',
      DYN_NAMESPACE_PREFIX: 'default-a',
      NATS_SERVER: 'nats://x:4222',
      ETCD_ENDPOINTS: 'x:2379',
    },
    '1.4.2',
    SHARED,
  );
  expect(values).toEqual({
    DYN_NAMESPACE: 'default-a_p_',
    DYN_NAMESPACE_PREFIX: 'default-a_p_',
    NATS_SERVER: 'nats://10.0.0.1:4222',
    ETCD_ENDPOINTS: 'http://10.0.0.1:2379',
  });
});

test('containers that are no Dynamo process stay as the cluster runs them', () => {
  expect(apply({}, '0.6.1').other).toEqual([]);
});
