import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

export interface HttpRequest {
  readonly url: string;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Milliseconds until the whole answer must be here. */
  readonly timeoutMs: number;
  /** Bytes of the body that are kept; the rest is read and dropped. Default 1 MiB. */
  readonly maxBytes?: number;
}

/** An answer, or why there is none. A server that refuses or is silent is a result here and no exception. */
export type HttpResult =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers: Readonly<Record<string, string | string[] | undefined>>;
      readonly body: string;
    }
  | { readonly kind: 'failure'; readonly reason: FailureReason; readonly text: string };
export type FailureReason = 'refused' | 'timeout' | 'reset' | 'dns' | 'other';

const REASONS: Readonly<Record<string, FailureReason>> = {
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'refused',
  ENETUNREACH: 'refused',
  ETIMEDOUT: 'timeout',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
};

const TEXT: Readonly<Record<FailureReason, string>> = {
  refused: 'connection refused',
  timeout: 'no answer in time',
  reset: 'connection reset',
  dns: 'name does not resolve',
  other: 'request failed',
};

export function describeFailure(error: unknown): { readonly reason: FailureReason; readonly text: string } {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const reason = REASONS[code] ?? 'other';
  return { reason, text: reason === 'other' && error instanceof Error ? error.message : TEXT[reason] };
}

/** node:http itself: the global fetch loads a client of its own first, which costs every command that asks once. */
function open(options: HttpRequest, signal: AbortSignal): Promise<IncomingMessage> {
  const url = new URL(options.url);
  const send = url.protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const request = send(
      url,
      {
        method: options.method ?? 'GET',
        headers: { 'user-agent': 'dynamo', ...options.headers },
        agent: false,
        signal,
        // A kubelet does not verify the certificates of the pods it probes (pkg/probe/http/http.go); these are our own containers.
        rejectUnauthorized: false,
      },
      resolve,
    );
    request.once('error', reject);
    request.end(options.body);
  });
}

/** Sends one request and reads the whole answer. Rejects only when `signal` is aborted. */
export async function sendRequest(options: HttpRequest, signal: AbortSignal): Promise<HttpResult> {
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const combined = AbortSignal.any([signal, timeout]);
  try {
    const response = await open(options, combined);
    const limit = options.maxBytes ?? 1024 * 1024;
    const chunks: Buffer[] = [];
    let kept = 0;
    for await (const chunk of response) {
      const bytes = Buffer.from(chunk);
      if (kept < limit) chunks.push(bytes.subarray(0, limit - kept));
      kept += bytes.length;
    }
    return {
      kind: 'answer',
      status: response.statusCode ?? 0,
      headers: response.headers,
      body: Buffer.concat(chunks).toString('utf8'),
    };
  } catch (error) {
    signal.throwIfAborted();
    if (timeout.aborted) return { kind: 'failure', reason: 'timeout', text: TEXT.timeout };
    return { kind: 'failure', ...describeFailure(error) };
  }
}

/** The answer's head, and its body as it comes: streamed completions. The caller's signal ends it. */
export async function openStream(
  options: HttpRequest,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly chunks: AsyncIterable<Buffer> }> {
  const response = await open(options, signal);
  return { status: response.statusCode ?? 0, chunks: response };
}
