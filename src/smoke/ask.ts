import { type HttpResult, sendRequest } from '../http/send-request.ts';
import type { SmokeContext } from './smoke-check.ts';

/** A request that has no answer by then is lost; a model that loads lazily was asked before. */
const ANSWER_TIMEOUT_MS = 60_000;

export function get(url: string, signal: AbortSignal): Promise<HttpResult> {
  return sendRequest({ url, timeoutMs: 10_000, maxBytes: 16 * 1024 * 1024 }, signal);
}

/** Posts text as JSON, whatever it is. */
export function post(context: SmokeContext, path: string, body: string): Promise<HttpResult> {
  return sendRequest(
    {
      url: `${context.url}${path}`,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      timeoutMs: ANSWER_TIMEOUT_MS,
    },
    context.signal,
  );
}

export function chatBody(model: string, text: string, extra: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({ model, messages: [{ role: 'user', content: text }], max_tokens: 8, ...extra });
}

/** Status and the beginning of the body, or why there is no answer. */
export function describeResult(result: HttpResult): string {
  return result.kind === 'failure' ? result.text : `HTTP ${result.status} ${result.body.slice(0, 160)}`.trim();
}

/** The JSON object of an answer with status 200. */
export function readObject(result: HttpResult): Readonly<Record<string, unknown>> | undefined {
  if (result.kind !== 'answer' || result.status !== 200) return undefined;
  try {
    const parsed: unknown = JSON.parse(result.body);
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : undefined;
  } catch {
    return undefined;
  }
}

/** The first entry of a list of objects under `key`. */
export function firstOf(object: Readonly<Record<string, unknown>> | undefined, key: string) {
  const list = object?.[key];
  const first: unknown = Array.isArray(list) ? list[0] : undefined;
  return typeof first === 'object' && first !== null ? (first as Readonly<Record<string, unknown>>) : undefined;
}
