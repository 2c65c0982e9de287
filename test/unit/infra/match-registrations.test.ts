import { expect, test } from 'vitest';
import { type ExpectedReplica, matchRegistrations } from '../../../src/infra/match-registrations.ts';
import type { Registration } from '../../../src/infra/parse-registration.ts';

function instance(id: string, host: string | undefined, component = 'backend', endpoint = 'generate'): Registration {
  const key = `v1/instances/n/${component}/${endpoint}/${id}`;
  return { kind: 'instance', key, namespace: 'n', component, endpoint, instance: id, host };
}

function expected(id: string, address: string | undefined, fields: Partial<ExpectedReplica> = {}): ExpectedReplica {
  return { id, component: 'decode', instances: 1, address, prefill: false, ...fields };
}

test('an instance belongs to the replica at its address; helpers of the same process do not count', () => {
  const { byReplica, strays } = matchRegistrations(
    [
      instance('a', '10.0.0.2'),
      instance('a', '10.0.0.2', 'backend', 'worker_kv_query_source_1'),
      instance('b', '10.0.0.3'),
      instance('old', '10.0.0.9'),
    ],
    [expected('decode-0', '10.0.0.3'), expected('decode-1', '10.0.0.2'), expected('decode-2', '10.0.0.4')],
  );
  expect([...byReplica]).toEqual([
    ['decode-0', ['b']],
    ['decode-1', ['a']],
    ['decode-2', []],
  ]);
  expect(strays.map((stray) => stray.instance)).toEqual(['old']);
});

test('an endpoint of another name counts where a model stands under it', () => {
  const model: Registration = {
    kind: 'model',
    key: 'v1/mdc/n/x/serve/a',
    namespace: 'n',
    component: 'x',
    endpoint: 'serve',
    instance: 'a',
    model: 'm',
    types: ['Chat'],
    workerType: undefined,
  };
  const { byReplica } = matchRegistrations(
    [instance('a', '10.0.0.2', 'x', 'serve'), model],
    [expected('decode-0', '10.0.0.2')],
  );
  expect(byReplica.get('decode-0')).toEqual(['a']);
});

test('without addresses instances are counted, prefill apart, and what is too much is a stray', () => {
  const { byReplica, strays } = matchRegistrations(
    [instance('p', undefined, 'prefill'), instance('a', undefined), instance('b', undefined), instance('c', undefined)],
    [
      expected('decode-0', '10.0.0.2'),
      expected('decode-1', '10.0.0.3'),
      expected('prefill-0', '10.0.0.4', { prefill: true }),
    ],
  );
  expect([...byReplica]).toEqual([
    ['decode-0', ['a']],
    ['decode-1', ['b']],
    ['prefill-0', ['p']],
  ]);
  expect(strays.map((stray) => stray.instance)).toEqual(['c']);
});
