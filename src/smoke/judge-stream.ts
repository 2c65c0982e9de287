import type { ServerSentEvent } from '../http/read-server-sent-events.ts';
import { fail, pass, type Verdict } from './smoke-check.ts';

/** A frame of a streamed answer and when it came, in milliseconds since the request was sent. */
export interface TimedFrame {
  readonly frame: ServerSentEvent;
  readonly atMs: number;
}

interface Chunk {
  readonly error?: unknown;
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string | null; readonly reasoning_content?: string | null };
    readonly finish_reason?: string | null;
  }[];
}

function parseChunk(data: string): Chunk | undefined {
  try {
    const parsed: unknown = JSON.parse(data);
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whether the frames of a streamed chat are a whole answer: data that is JSON, no error frame, content, a finish reason, `[DONE]` last.
 * `[DONE]` alone proves nothing: runtimes send it after an error as well (facts/versions.md §9). Unknown events are left alone.
 */
export function judgeStream(frames: readonly TimedFrame[]): Verdict {
  let finish: string | undefined;
  let done = false;
  const contentAt: number[] = [];
  for (const { frame, atMs } of frames) {
    if (frame.kind === 'comment') continue;
    if (frame.event === 'error')
      return fail(`the stream has an error: ${frame.data || 'without a text'}`.slice(0, 200));
    if (frame.event !== undefined && frame.event !== 'message') continue;
    if (done) return fail('there is data after [DONE]');
    if (frame.data === '[DONE]') {
      done = true;
      continue;
    }
    const chunk = parseChunk(frame.data);
    if (chunk === undefined) return fail(`a frame is no JSON: ${frame.data.slice(0, 100)}`);
    if (chunk.error !== undefined) return fail(`the stream has an error: ${JSON.stringify(chunk.error)}`.slice(0, 200));
    const choice = chunk.choices?.[0];
    if (choice?.delta?.content || choice?.delta?.reasoning_content) contentAt.push(atMs);
    finish = choice?.finish_reason ?? finish;
  }
  if (contentAt.length === 0) return fail('no content came');
  if (finish === undefined) return fail('no chunk has a finish_reason');
  if (!done) return fail('the stream ends without [DONE]');
  return pass(describeTimes(contentAt));
}

/** Time to the first token, and the middle one of the times between tokens. */
function describeTimes(contentAt: readonly number[]): string {
  const first = Math.round(contentAt[0] ?? 0);
  const gaps = contentAt.slice(1).map((at, index) => at - (contentAt[index] ?? at));
  const middle = gaps.toSorted((a, b) => a - b)[Math.floor(gaps.length / 2)];
  const between = middle === undefined ? '' : `, ${Math.round(middle)} ms between chunks`;
  return `${contentAt.length} chunks, the first after ${first} ms${between}`;
}
