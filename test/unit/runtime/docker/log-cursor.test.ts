import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LogCursor } from '../../../../src/runtime/docker/log-cursor.ts';

type Message = readonly ['stdout' | 'stderr', number];

function message(time: number): Buffer {
  return Buffer.from(`2026-11-24T14:00:00.${String(time).padStart(9, '0')}Z text\n`);
}

function restOf(log: readonly Message[], seen: number, skipped = 0): Message[] {
  const cursor = new LogCursor({ tail: skipped > 0 });
  for (const [stream, time] of log.slice(skipped, seen)) cursor.see(stream, message(time));
  return log.filter(([stream, time]) => cursor.isNew(stream, message(time)));
}

test('a second reading adds exactly what the first did not have, also where times repeat', () => {
  const step = fc.tuple(fc.constantFrom('stdout' as const, 'stderr' as const), fc.nat(2));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.nat(30), (steps, seen) => {
      const clock = { stdout: 0, stderr: 5 };
      const log = steps.map(([stream, pause]): Message => {
        clock[stream] += pause;
        return [stream, clock[stream]];
      });
      expect(restOf(log, seen)).toEqual(log.slice(seen));
    }),
  );
});

test('what --tail left out stays out', () => {
  const log: Message[] = [
    ['stderr', 1],
    ['stdout', 2],
    ['stdout', 3],
    ['stderr', 4],
  ];
  expect(restOf(log, 3, 2)).toEqual([['stderr', 4]]);
});

test('a second reading starts a little before the last message', () => {
  const cursor = new LogCursor({ tail: false });
  expect(cursor.since).toBeUndefined();
  cursor.see('stdout', message(0));
  expect(cursor.since).toBe(Date.UTC(2026, 10, 24, 13, 59, 59));
});
