import { expect, test } from 'vitest';
import { judgeStream, type TimedFrame } from '../../../src/smoke/judge-stream.ts';

const data = (data: string, event?: string): TimedFrame => ({ frame: { kind: 'event', event, data }, atMs: 10 });
const content = data('{"choices":[{"delta":{"content":"a"}}]}');
const finish = data('{"choices":[{"delta":{},"finish_reason":"length"}]}');
const usage = data('{"choices":[],"usage":{"total_tokens":8}}');
const done = data('[DONE]');

test.each<[string, readonly TimedFrame[], string]>([
  ['a whole answer', [content, content, finish, usage, done], 'pass'],
  ['one with events of its own', [data('{}', 'llm_metrics'), content, finish, done], 'pass'],
  ['one with comments', [{ frame: { kind: 'comment', text: 'ping' }, atMs: 1 }, content, finish, done], 'pass'],
  ['nothing', [], 'no content came'],
  ['no content', [finish, done], 'no content came'],
  ['no finish reason, though it says DONE', [content, done], 'no chunk has a finish_reason'],
  ['no DONE', [content, finish], 'the stream ends without [DONE]'],
  ['data after DONE', [content, finish, done, content], 'there is data after [DONE]'],
  ['an error event of old runtimes', [content, data('', 'error'), done], 'the stream has an error: without a text'],
  ['an error in data', [content, data('{"error":{"code":500}}'), done], 'the stream has an error: {"code":500}'],
  ['broken JSON', [content, data('{"choi')], 'a frame is no JSON: {"choi'],
])('%s', (_, frames, expected) => {
  const { outcome, detail } = judgeStream(frames);
  expect(outcome === 'pass' ? 'pass' : detail).toBe(expected);
});

test('times are those of content', () => {
  const at = (atMs: number): TimedFrame => ({ ...content, atMs });
  expect(judgeStream([at(30), at(36), at(46), finish, done]).detail).toBe(
    '3 chunks, the first after 30 ms, 10 ms between chunks',
  );
});
