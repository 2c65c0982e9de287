import { expect, test } from 'vitest';
import type { FailureCard } from '../../../src/model/failure-card.ts';
import { eventToJson } from '../../../src/ui/event-to-json.ts';
import { formatCard } from '../../../src/ui/format-card.ts';

const CARD: FailureCard = {
  code: 'MODULE_MISSING',
  exitCode: 4,
  message: 'decode-0 ended with exit code 1 before it was ready',
  component: 'decode',
  replica: 'decode-0',
  ended: { exitCode: 1, signal: undefined, oomKilled: false },
  stage: 'started',
  stageMs: 2100,
  lastAnswer: 'connection refused',
  lastLines: [`\u001b[31mred\u001b[0m ${'x'.repeat(300)}`, "ModuleNotFoundError: No module named 'vllm'"],
  alsoFailed: [],
  cause: 'the image has no Python module vllm',
  hint: 'take the image made for this component: --image COMPONENT=REF replaces it, and dynamo plan shows which it is',
  next: 'dynamo logs -p p decode-0',
};

test('a card is whole and no line of it is wider than the terminal', () => {
  const text = formatCard(CARD, 80);
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  for (const part of [
    'MODULE_MISSING',
    'decode-0 of decode, stage started for 2.1 s',
    'exit code 1',
    'connection refused',
  ])
    expect(text).toContain(part);
  expect(text).toContain("| ModuleNotFoundError: No module named 'vllm'");
  expect(text).toContain('dynamo logs -p p decode-0');
  expect(text).not.toContain('\u001b');
});

test('the JSON event has the same fields', () => {
  expect(eventToJson({ time: 1, type: 'failed', card: CARD })).toEqual({
    time: 1,
    type: 'failed',
    ...CARD,
    ended: { exitCode: 1, signal: null, oomKilled: false },
  });
});
