import { describe, expect, test } from 'vitest';
import { countInstances } from '../../../src/infra/count-instances.ts';
import {
  parseRegistration,
  type RegisteredInstance,
  type RegisteredModel,
  type Registration,
} from '../../../src/infra/parse-registration.ts';

const ID = '6e05a208e604d70e';
const place = { namespace: 'dynamo', component: 'backend', endpoint: 'generate' };

/** A value as Rust writes it: the id is a number that JavaScript cannot hold. */
function writeValue(rest: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ ...place, ...rest }).replace('"ID"', BigInt(`0x${ID}`).toString());
}

interface Row {
  readonly title: string;
  readonly key: string;
  readonly value: string;
  readonly expected: Omit<RegisteredInstance, 'key'> | Omit<RegisteredModel, 'key'> | undefined;
}

const rows: readonly Row[] = [
  {
    title: '0.4.1 instance',
    key: `instances/dynamo/backend/generate:${ID}`,
    value: writeValue({ instance_id: 'ID', transport: { nats_tcp: `dynamo_backend.generate-${ID}` } }),
    expected: { kind: 'instance', ...place, instance: ID, host: undefined },
  },
  {
    title: '0.4.1 instance of another endpoint',
    key: `instances/dynamo/backend/load_metrics:${ID}`,
    value: '{}',
    expected: { kind: 'instance', ...place, endpoint: 'load_metrics', instance: ID, host: undefined },
  },
  {
    title: '0.4.1 model',
    key: 'models/0d1c1f9e-0000-4000-8000-000000000000',
    value: JSON.stringify({
      name: 'local/tiny',
      endpoint: { namespace: 'dynamo', component: 'backend', name: 'generate' },
      model_type: 'Backend',
    }),
    expected: {
      kind: 'model',
      ...place,
      instance: undefined,
      model: 'local/tiny',
      types: ['Backend'],
      workerType: undefined,
    },
  },
  {
    title: '0.4.1 card, which has no lease',
    key: 'mdc/local_tiny',
    value: '{"display_name":"local/tiny"}',
    expected: undefined,
  },
  { title: '0.4.1 reserved port', key: 'dyn://dynamo/ports/10.0.0.3/20000', value: '{}', expected: undefined },
  {
    title: '0.6.1 instance',
    key: `v1/instances/dynamo/backend/generate/${ID}`,
    value: writeValue({ instance_id: 'ID', transport: { nats_tcp: `dynamo_backend.generate-${ID}` } }),
    expected: { kind: 'instance', ...place, instance: ID, host: undefined },
  },
  {
    title: '0.6.1 model',
    key: `v1/mdc/dynamo/backend/generate/${ID}`,
    value: JSON.stringify({ display_name: 'local/tiny', model_type: 'Chat | Completions', model_input: 'Tokens' }),
    expected: {
      kind: 'model',
      ...place,
      instance: ID,
      model: 'local/tiny',
      types: ['Chat', 'Completions'],
      workerType: undefined,
    },
  },
  {
    title: '0.6.1 router',
    key: 'v1/kv_routers/dynamo/backend/0d1c1f9e-0000-4000-8000-000000000000',
    value: '{}',
    expected: undefined,
  },
  {
    title: '0.9.1 event channel of no component',
    key: `v1/event_channels/dynamo//kv_metrics/${ID}`,
    value: '{}',
    expected: undefined,
  },
  {
    title: '1.0.2 instance',
    key: `v1/instances/dynamo/backend/generate/${ID}`,
    value: writeValue({ type: 'Endpoint', instance_id: 'ID', transport: { tcp: `172.20.0.5:33297/${ID}/generate` } }),
    expected: { kind: 'instance', ...place, instance: ID, host: '172.20.0.5' },
  },
  {
    title: '1.0.2 instance on the HTTP plane',
    key: `v1/instances/dynamo/backend/generate/${ID}`,
    value: writeValue({ instance_id: 'ID', transport: { http: 'http://172.20.0.5:8888/v1/rpc/generate' } }),
    expected: { kind: 'instance', ...place, instance: ID, host: '172.20.0.5' },
  },
  {
    title: '1.0.2 prefill model',
    key: `v1/mdc/dynamo/prefill/generate/${ID}`,
    value: writeValue({
      type: 'Model',
      instance_id: 'ID',
      card_json: { display_name: 'Qwen/Qwen3-0.6B', model_type: 'Prefill' },
    }),
    expected: {
      kind: 'model',
      ...place,
      component: 'prefill',
      instance: ID,
      model: 'Qwen/Qwen3-0.6B',
      types: ['Prefill'],
      workerType: undefined,
    },
  },
  {
    title: '1.0.2 LoRA adapter',
    key: `v1/mdc/dynamo/backend/generate/${ID}/my_lora`,
    value: JSON.stringify({ type: 'Model', card_json: { display_name: 'my-lora', model_type: 'Chat|Completions' } }),
    expected: {
      kind: 'model',
      ...place,
      instance: ID,
      model: 'my-lora',
      types: ['Chat', 'Completions'],
      workerType: undefined,
    },
  },
  {
    title: '1.4.2 instance over IPv6',
    key: `v1/instances/dynamo/backend/generate/${ID}`,
    value: writeValue({
      type: 'Endpoint',
      request_plane_codec: 'msgpack',
      transport: { tcp: `[fd00::5]:38033/${ID}/generate` },
    }),
    expected: { kind: 'instance', ...place, instance: ID, host: 'fd00::5' },
  },
  {
    title: '1.4.2 event channel',
    key: `v1/event_channels/namespace/dynamo/component/backend/endpoint/generate/topic/kv-events/${ID}`,
    value: '{}',
    expected: undefined,
  },
  {
    title: '1.6.1 model, its type a number',
    key: `v1/mdc/dynamo/backend/generate/${ID}`,
    value: JSON.stringify({ card_json: { display_name: 'm', model_type: 3, worker_type: 'aggregated', needs: [] } }),
    expected: { kind: 'model', ...place, instance: ID, model: 'm', types: [], workerType: 'aggregated' },
  },
  {
    title: 'an instance whose value is no JSON',
    key: `v1/instances/dynamo/backend/generate/${ID}`,
    value: '{',
    expected: { kind: 'instance', ...place, instance: ID, host: undefined },
  },
  {
    title: 'a model whose value is no JSON',
    key: `v1/mdc/dynamo/backend/generate/${ID}`,
    value: '[1]',
    expected: undefined,
  },
  {
    title: 'an id that is no hex number',
    key: 'v1/instances/dynamo/backend/generate/xyz',
    value: '{}',
    expected: undefined,
  },
  {
    title: 'an id of more than 64 bits',
    key: `v1/instances/dynamo/backend/generate/${ID}0`,
    value: '{}',
    expected: undefined,
  },
  { title: 'an unrelated key', key: 'dynamo/health', value: 'x', expected: undefined },
];

describe('parseRegistration', () => {
  test.each(rows)('$title', ({ key, value, expected }) => {
    expect(parseRegistration(key, value)).toEqual(expected && { key, ...expected });
  });

  test('keeps ids apart that are the same number to JavaScript', () => {
    const ids = ['694da20754df2605', '694da20754df2606'];
    expect(new Set(ids.map((id) => Number(BigInt(`0x${id}`)))).size).toBe(1);
    const found = ids.map((id) => parseRegistration(`v1/instances/dynamo/backend/generate/${id}`, '{}'));
    expect(found.map((entry) => entry?.instance)).toEqual(ids);
  });
});

describe('countInstances', () => {
  const instance = (component: string, endpoint: string, id: string): Registration => ({
    kind: 'instance',
    key: `v1/instances/dynamo/${component}/${endpoint}/${id}`,
    namespace: 'dynamo',
    component,
    endpoint,
    instance: id,
    host: undefined,
  });

  test('counts the processes that serve generate, by component', () => {
    const counts = countInstances([
      instance('prefill', 'generate', '1'),
      instance('backend', 'generate', '2'),
      instance('backend', 'generate', '3'),
      instance('backend', 'generate', '3'),
      instance('backend', 'worker_kv_query_source_77', '2'),
      instance('backend', 'generate2', '4'),
    ]);
    expect([...counts]).toEqual([
      ['dynamo/backend', 2],
      ['dynamo/prefill', 1],
    ]);
  });
});
