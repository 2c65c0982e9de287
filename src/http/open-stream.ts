import type { IncomingMessage } from 'node:http';
import { describeFailure, type Failure, TIMED_OUT } from './describe-failure.ts';
import { type OpenOptions, openResponse } from './open-response.ts';

export interface StreamRequest extends OpenOptions {
  /** Milliseconds until the head of the answer must be here. */
  readonly timeoutMs: number;
  /** Milliseconds that may pass without a byte of the body. Default: any. */
  readonly idleMs?: number;
}

/** An answer whose body comes bit by bit. Iterate `chunks` once, or call `close`. */
export interface HttpStream {
  readonly kind: 'answer';
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Throws a StreamBroken when the body does not come to its end. Leaving the loop closes the connection. */
  readonly chunks: AsyncIterable<Buffer>;
  readonly close: () => void;
}

/** The body of an answer ended too early. */
class StreamBroken extends Error {
  readonly reason: Failure['reason'];
  constructor(failure: Failure) {
    super(failure.text);
    this.name = 'StreamBroken';
    this.reason = failure.reason;
  }
}

/** Sends a request and gives the answer as soon as its head is here: for streamed completions. Rejects only when `signal` is aborted. */
export async function openStream(
  request: StreamRequest,
  signal: AbortSignal,
): Promise<HttpStream | ({ readonly kind: 'failure' } & Failure)> {
  signal.throwIfAborted();
  const ending = new AbortController();
  const onAbort = () => ending.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const release = () => signal.removeEventListener('abort', onAbort);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    ending.abort();
  }, request.timeoutMs);
  try {
    const response = await openResponse(request, ending.signal);
    response.once('close', release);
    return {
      kind: 'answer',
      status: response.statusCode ?? 0,
      headers: response.headers,
      chunks: readChunks(response, request.idleMs, signal),
      close: () => response.destroy(),
    };
  } catch (error) {
    release();
    signal.throwIfAborted();
    return { kind: 'failure', ...(late ? TIMED_OUT : describeFailure(error)) };
  } finally {
    clearTimeout(timer);
  }
}

async function* readChunks(
  response: IncomingMessage,
  idleMs: number | undefined,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  let idle = false;
  const giveUp = () => {
    idle = true;
    response.destroy();
  };
  let timer = idleMs === undefined ? undefined : setTimeout(giveUp, idleMs);
  try {
    for await (const chunk of response) {
      clearTimeout(timer);
      yield Buffer.from(chunk);
      if (idleMs !== undefined) timer = setTimeout(giveUp, idleMs);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw new StreamBroken(idle ? TIMED_OUT : describeFailure(error));
  } finally {
    clearTimeout(timer);
    response.destroy();
  }
}
