import type { IncomingMessage } from 'node:http';
import { describeFailure, type Failure, TIMED_OUT } from './describe-failure.ts';
import { type OpenOptions, openResponse } from './open-response.ts';
import { withDeadline } from './with-deadline.ts';

export interface HttpRequest extends OpenOptions {
  /** Milliseconds until the whole answer must be here, redirects included. */
  readonly timeoutMs: number;
  /** Bytes of the body that are read; the connection is closed after them. Default 1 MiB. */
  readonly maxBytes?: number;
  /** How many redirects that stay on the host are followed; one to another host is an answer like any other. Default 0. */
  readonly redirects?: number;
}

interface HttpAnswer {
  readonly kind: 'answer';
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  /** There was more body than `maxBytes`. */
  readonly truncated: boolean;
}

/** An answer, or why there is none. A server that refuses or is silent is a result here and no exception. */
export type HttpResult = HttpAnswer | ({ readonly kind: 'failure' } & Failure);

const MAX_BYTES = 1024 * 1024;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Sends one request and reads the answer. Rejects only when `signal` is aborted. */
export async function sendRequest(request: HttpRequest, signal: AbortSignal): Promise<HttpResult> {
  try {
    const timed = await withDeadline(request.timeoutMs, signal, (ending) => sendAndFollow(request, ending));
    return timed.kind === 'done' ? timed.value : { kind: 'failure', ...TIMED_OUT };
  } catch (error) {
    signal.throwIfAborted();
    return { kind: 'failure', ...describeFailure(error) };
  }
}

async function sendAndFollow(request: HttpRequest, signal: AbortSignal): Promise<HttpResult> {
  let { url } = request;
  for (let left = request.redirects ?? 0; ; left -= 1) {
    const response = await openResponse({ ...request, url }, signal);
    const next = request.redirects === undefined ? undefined : localRedirect(request.url, url, response);
    if (next === undefined) return readAnswer(response, request.maxBytes ?? MAX_BYTES);
    response.destroy();
    if (left === 0) return { kind: 'failure', reason: 'other', text: `more than ${request.redirects} redirects` };
    url = next;
  }
}

/** Where a redirect goes that stays on the host of the first request; undefined for anything else. */
function localRedirect(first: string, current: string, response: IncomingMessage): string | undefined {
  const { location } = response.headers;
  if (!REDIRECTS.has(response.statusCode ?? 0) || location === undefined) return undefined;
  const next = new URL(location, current);
  return next.hostname === new URL(first).hostname ? next.href : undefined;
}

/** Leaving the loop early closes the connection. */
async function readAnswer(response: IncomingMessage, maxBytes: number): Promise<HttpAnswer> {
  const chunks: Buffer[] = [];
  let kept = 0;
  let truncated = false;
  for await (const chunk of response) {
    const bytes = Buffer.from(chunk);
    chunks.push(bytes.subarray(0, maxBytes - kept));
    kept += bytes.length;
    truncated = kept > maxBytes;
    if (truncated) break;
  }
  return {
    kind: 'answer',
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: Buffer.concat(chunks).toString('utf8'),
    truncated,
  };
}
