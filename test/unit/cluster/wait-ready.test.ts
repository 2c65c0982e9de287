import { expect, test } from 'vitest';
import type { Kubectl } from '../../../src/cluster/kubectl.ts';
import { waitReady } from '../../../src/cluster/wait-ready.ts';
import type { Json } from '../../../src/model/node.ts';

function ready(message: string): Json {
  return [{ type: 'Ready', status: 'False', message }];
}

/** Looks at one status after another, the last again and again, until `timeoutMs` of a clock that only sleeping moves. */
async function wait(statuses: readonly Json[], timeoutMs = 10_000) {
  let look = 0;
  let now = 0;
  const said: string[] = [];
  const unused = () => Promise.reject(new Error('not asked'));
  const kubectl: Kubectl = {
    json: async () => {
      const status = statuses[Math.min(look, statuses.length - 1)] ?? null;
      look += 1;
      return { kind: 'DynamoGraphDeployment', metadata: { name: 'g', generation: 2 }, status };
    },
    name: unused,
    raw: unused,
  };
  const clock = {
    now: () => now,
    sleep: async (ms: number) => {
      now += ms;
    },
  };
  const options = {
    clock,
    signal: new AbortController().signal,
    timeoutMs,
    onChange: (text: string) => said.push(text),
  };
  const end = await waitReady(kubectl, { name: 'g', namespace: undefined }, options).then(
    () => 'ready',
    (error) => `${error.exitCode} ${error.code}: ${error.message}`,
  );
  return { end, said };
}

test('each change is said once, until the operator calls this generation successful', async () => {
  const pending = { state: 'pending', conditions: ready('Resources not ready: decode'), observedGeneration: 2 };
  const stale = { state: 'successful', conditions: [], observedGeneration: 1 };
  const done = { state: 'successful', conditions: [], observedGeneration: 2 };
  expect(await wait([stale, pending, pending, done])).toEqual({
    end: 'ready',
    said: ['pending: Resources not ready: decode'],
  });
});

test('what the operator cannot make ends it, and an old failure does not', async () => {
  const failed = (observedGeneration: number) => ({
    state: 'failed',
    conditions: ready('no claim cache'),
    observedGeneration,
  });
  const { end } = await wait([failed(1), failed(2)]);
  expect(end).toBe('4 GRAPH_FAILED: the operator cannot make the graph: no claim cache');
});

test('when the time is over, an operator that is silent and a graph that is late are told apart', async () => {
  expect((await wait([null])).end).toBe('5 OPERATOR_SILENT: no operator has looked at the graph within 10 s');
  expect((await wait([{ state: 'pending' }])).end).toBe('5 NOT_READY: the graph is not ready after 10 s: pending');
});
