import { expect, test } from 'vitest';
import { parseSince } from '../../../src/commands/duration.ts';

const NOW = Date.parse('2026-01-31T12:00:00Z');

test.each([
  ['2026-01-31T11:00:00Z', '2026-01-31T11:00:00.000Z'],
  ['90', '2026-01-31T11:58:30.000Z'],
  ['1h30m', '2026-01-31T10:30:00.000Z'],
])('--since %s is %s', (text, expected) => {
  expect(new Date(parseSince(text, NOW)).toISOString()).toBe(expected);
});

test.each([
  ['yesterday', /neither a time nor a duration/],
  ['10 days', /is no duration/],
])('--since %s is refused', (text, message) => {
  expect(() => parseSince(text, NOW)).toThrow(message);
});
