import { expect, test } from 'vitest';
import type { ContainerEvents } from '../../../src/engine/container-events.ts';
import { ServerWatch } from '../../../src/engine/server-watch.ts';
import type { EventBody } from '../../../src/model/event.ts';
import type { Runtime, RuntimeEvent } from '../../../src/model/runtime.ts';

test('a server that keeps ending is restarted later each time, and counts anew after ten minutes', async () => {
  let now = 0;
  const delays: number[] = [];
  const listeners = new Set<(event: RuntimeEvent) => void>();
  const events = {
    listen: (_: string, listener: (event: RuntimeEvent) => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  } as unknown as ContainerEvents;
  // Whenever it is looked at it has ended already.
  const runtime = { inspect: async () => undefined, startContainer: async () => undefined } as unknown as Runtime;
  const watch = new ServerWatch({
    runtime,
    events,
    clock: { now: () => now, sleep: async () => undefined },
    emit: (event: EventBody) => {
      if (event.type === 'replica-restarting') delays.push(event.delayMs);
    },
    shared: undefined,
  });
  const stay = new AbortController();
  let failed: unknown;
  watch.died.catch((error: unknown) => {
    failed = error;
  });
  watch.settle();
  watch.watch('etcd', 'p-etcd', stay.signal);
  for (const runsMs of [1000, 1000, 1000, 700_000, 1000]) {
    now += runsMs;
    for (const listener of [...listeners]) listener({ action: 'die', exitCode: 1 } as RuntimeEvent);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  stay.abort();
  expect([delays, failed]).toEqual([[0, 10_000, 20_000, 0, 10_000], undefined]);
});
