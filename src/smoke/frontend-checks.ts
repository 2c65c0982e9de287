import { listedModels } from '../http/listed-models.ts';
import { openStream } from '../http/open-stream.ts';
import { readServerSentEvents } from '../http/read-server-sent-events.ts';
import { chatBody, describeResult, firstOf, get, post, readObject } from './ask.ts';
import { judgeStream, type TimedFrame } from './judge-stream.ts';
import { parseMetrics } from './parse-metrics.ts';
import { fail, pass, type SmokeContext, skip, type Verdict } from './smoke-check.ts';

export type Check = (context: SmokeContext) => Promise<Verdict>;

const STREAM_HEAD_MS = 60_000;
const STREAM_IDLE_MS = 30_000;
/** Requests at once: more than one worker's batch in the examples, few enough for a small GPU. */
const AT_ONCE = 8;

export const checkHealth: Check = async ({ url, signal }) => {
  const result = await get(`${url}/health`, signal);
  return result.kind === 'answer' && result.status === 200 ? pass('HTTP 200') : fail(describeResult(result));
};

export const checkModels: Check = async ({ url, signal }) => {
  const result = await get(`${url}/v1/models`, signal);
  const answer = readObject(result);
  const ids = listedModels(answer);
  if (ids.length === 0 || (Array.isArray(answer?.data) && answer.data.length > ids.length))
    return fail(`no model is listed: ${describeResult(result)}`);
  return pass(`lists ${ids.join(', ')}`);
};

/** True when the model makes embeddings: then it need not chat. */
async function embeds(context: SmokeContext): Promise<boolean> {
  const body = JSON.stringify({ model: context.model, input: 'smoke' });
  return firstOf(readObject(await post(context, '/v1/embeddings', body)), 'data')?.embedding !== undefined;
}

async function refusedOr(context: SmokeContext, status: number | undefined, failed: string): Promise<Verdict> {
  if (status === 404 && (await embeds(context))) return skip('the model makes embeddings');
  return fail(failed);
}

export const checkChat: Check = async (context) => {
  const result = await post(context, '/v1/chat/completions', chatBody(context.model, 'Say hello.'));
  const choice = firstOf(readObject(result), 'choices');
  const status = result.kind === 'answer' ? result.status : undefined;
  if (choice === undefined) return refusedOr(context, status, describeResult(result));
  const message = choice.message as { readonly content?: unknown; readonly reasoning_content?: unknown } | undefined;
  const text = message?.content || message?.reasoning_content;
  if (typeof text !== 'string' || text === '') return fail('the answer has no content');
  return typeof choice.finish_reason === 'string' ? pass(`${text.length} characters`) : fail('no finish_reason');
};

export const checkStream: Check = async (context) => {
  const { url, model, clock, signal } = context;
  const sentAt = clock.now();
  const stream = await openStream(
    {
      url: `${url}/v1/chat/completions`,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: chatBody(model, 'Count to eight.', { stream: true }),
      timeoutMs: STREAM_HEAD_MS,
      idleMs: STREAM_IDLE_MS,
    },
    signal,
  );
  if (stream.kind === 'failure') return fail(stream.text);
  const type = String(stream.headers['content-type'] ?? '');
  if (stream.status !== 200 || !type.startsWith('text/event-stream')) {
    stream.close();
    return refusedOr(context, stream.status, `HTTP ${stream.status} ${type}`);
  }
  const frames: TimedFrame[] = [];
  try {
    for await (const frame of readServerSentEvents(stream.chunks)) frames.push({ frame, atMs: clock.now() - sentAt });
  } catch (error) {
    signal.throwIfAborted();
    return fail(`the stream broke: ${error instanceof Error ? error.message : String(error)}`);
  }
  return judgeStream(frames);
};

export const checkCompletions: Check = async (context) => {
  const body = JSON.stringify({ model: context.model, prompt: 'Once upon a time', max_tokens: 8 });
  const result = await post(context, '/v1/completions', body);
  const text = firstOf(readObject(result), 'choices')?.text;
  if (typeof text === 'string' && text !== '') return pass(`${text.length} characters`);
  const missing = result.kind === 'answer' && result.status === 404;
  return missing ? skip('the model has no completions') : fail(describeResult(result));
};

export const checkEmbeddings: Check = async (context) => {
  const body = JSON.stringify({ model: context.model, input: 'smoke' });
  const result = await post(context, '/v1/embeddings', body);
  const embedding = firstOf(readObject(result), 'data')?.embedding;
  if (Array.isArray(embedding) && embedding.length > 0) return pass(`${embedding.length} dimensions`);
  // Chat models are refused with 404 by every version (facts/versions.md §9); some backends say 400 or 501.
  const refused = result.kind === 'answer' && [400, 404, 501].includes(result.status);
  return refused ? skip('the model makes no embeddings') : fail(describeResult(result));
};

export const checkUnknownModel: Check = async (context) => {
  const result = await post(context, '/v1/chat/completions', chatBody('dynamo-smoke/no-such-model', 'hi'));
  return result.kind === 'answer' && result.status === 404
    ? pass('HTTP 404')
    : fail(`expected 404, got ${describeResult(result)}`);
};

export const checkBadJson: Check = async (context) => {
  const result = await post(context, '/v1/chat/completions', '{"model": ');
  return result.kind === 'answer' && result.status === 400
    ? pass('HTTP 400')
    : fail(`expected 400, got ${describeResult(result)}`);
};

export const checkConcurrent: Check = async (context) => {
  const requests = Array.from({ length: AT_ONCE }, (_, index) =>
    post(context, '/v1/chat/completions', chatBody(context.model, `Question ${index}: what is ${index} + 1?`)),
  );
  const results = await Promise.all(requests);
  const bad = results.filter((result) => firstOf(readObject(result), 'choices') === undefined);
  const [first] = bad;
  if (first === undefined) return pass(`${AT_ONCE} requests at once`);
  const status = first.kind === 'answer' ? first.status : undefined;
  return refusedOr(context, status, `${bad.length} of ${AT_ONCE} failed: ${describeResult(first)}`);
};

export const checkMetrics: Check = async ({ url, signal }) => {
  const result = await get(`${url}/metrics`, signal);
  if (result.kind === 'failure' || result.status !== 200) return fail(describeResult(result));
  const samples = parseMetrics(result.body);
  if (samples === undefined) return fail('the page is not in the format of Prometheus');
  const ours = samples.filter(({ name }) => name.startsWith('dynamo_')).length;
  return ours > 0 ? pass(`${samples.length} samples`) : fail('no sample is of dynamo');
};
