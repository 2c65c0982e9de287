import { expect, test } from 'vitest';
import { parseStat } from '../../../../src/runtime/process/proc.ts';

const REST =
  '7 77 78 0 -1 4194560 1 0 0 0 30 12 0 0 20 0 3 0 123456 1000000 250 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0';

test('the name of a program may hold anything, parentheses and blanks too', () => {
  expect(parseStat(`42 (a) R (b) S ${REST}\n`, 'boot')).toEqual({
    pid: 42,
    parent: 7,
    session: 78,
    startTime: 'boot/123456',
    ended: false,
    cpuTicks: 42,
    residentPages: 250,
  });
});

test('a zombie has ended, and what is no line of it is nothing', () => {
  expect(parseStat(`42 (a) Z ${REST}`, 'boot')?.ended).toBe(true);
  expect(parseStat('', 'boot')).toBeUndefined();
  expect(parseStat('no line', 'boot')).toBeUndefined();
});
