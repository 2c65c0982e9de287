import { expect, test } from 'vitest';
import { ContainerEvents } from '../../../src/engine/container-events.ts';
import { ProjectRun } from '../../../src/engine/project-run.ts';
import type { EventBody } from '../../../src/model/event.ts';
import type { Runtime } from '../../../src/model/runtime.ts';

function broken(): never {
  throw new Error('the stream broke');
}

test.each([
  ['never started', () => Promise.reject(new Error('refused')), 0],
  ['started', () => Promise.resolve(), 1],
])('lost lines of a container that %s are told %#', async (_, start, told) => {
  const events: EventBody[] = [];
  const run = new ProjectRun({
    project: 'p',
    runtime: { logs: broken } as unknown as Runtime,
    events: new ContainerEvents(),
    clock: { now: () => 0, sleep: async () => undefined },
    emit: (event: EventBody) => events.push(event),
    isNoise: () => false,
    showLogs: true,
    onLine: () => undefined,
    restartsBeforeReady: 0,
    replicas: [],
    names: new Map([['p-decode-0', 'decode-0']]),
    frontends: new Map(),
    shared: undefined,
    namespaces: [],
    settleMs: 0,
  });
  const started = start();
  started.catch(() => undefined);
  run.onStart('p-decode-0', started, new AbortController().signal);
  await new Promise((resolve) => setTimeout(resolve, 5));
  const codes = events.map((event) => (event.type === 'notice' ? event.diagnostic.code : event.type));
  expect(codes).toEqual(Array.from({ length: told }, () => 'LOGS_LOST'));
});
