import { expect, test } from 'vitest';
import { walkPlan } from '../../../src/engine/walk-plan.ts';
import type { EventBody } from '../../../src/model/event.ts';
import type { Operation, Plan } from '../../../src/model/plan.ts';

const clock = { now: () => 0, sleep: () => Promise.resolve() };

function plan(...steps: readonly [id: string, after?: readonly string[]][]): Plan {
  return {
    project: 'p',
    notices: [],
    steps: steps.map(([id, after = []]) => ({
      id,
      operation: { kind: 'startContainer', name: id },
      target: id,
      text: id,
      cause: 'test',
      after,
    })),
  };
}

async function walk(
  of: Plan,
  execute: (name: string, signal: AbortSignal) => Promise<void>,
  signal = new AbortController().signal,
) {
  const events: EventBody[] = [];
  const run = walkPlan(
    of,
    {
      execute: (operation: Operation, inner) => execute('name' in operation ? String(operation.name) : '', inner),
      emit: (event) => events.push(event),
      clock,
    },
    signal,
  );
  return { run, events };
}

test('steps run as soon as those before them have ended', async () => {
  const order: string[] = [];
  const { run } = await walk(plan(['a'], ['b', ['a']], ['c'], ['d', ['b', 'c']]), async (name) => {
    order.push(`${name}+`);
    await new Promise((resolve) => setImmediate(resolve));
    order.push(`${name}-`);
  });
  await run;
  expect(order.indexOf('b+')).toBeGreaterThan(order.indexOf('a-'));
  expect(order.indexOf('c+')).toBeLessThan(order.indexOf('a-'));
  expect(order.indexOf('d+')).toBeGreaterThan(order.indexOf('b-'));
});

test('the first failure aborts what is under way, nothing after it starts, and it is what is thrown', async () => {
  const started: string[] = [];
  let aborted = false;
  const { run, events } = await walk(plan(['slow'], ['bad'], ['after', ['slow']]), (name, signal) => {
    started.push(name);
    if (name === 'bad') return Promise.reject(new Error('broken'));
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        aborted = true;
        reject(signal.reason);
      });
    });
  });
  await expect(run).rejects.toThrow('broken');
  expect(aborted).toBe(true);
  expect(started).toEqual(['slow', 'bad']);
  expect(events.filter((event) => event.type === 'step-failed')).toMatchObject([{ id: 'bad', message: 'broken' }]);
});

test('an aborted walk throws the reason of the signal', async () => {
  const controller = new AbortController();
  const { run } = await walk(
    plan(['a']),
    (_, signal) => new Promise((__, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    controller.signal,
  );
  controller.abort(new Error('stop'));
  await expect(run).rejects.toThrow('stop');
});
