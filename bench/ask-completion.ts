import { setTimeout as delay } from 'node:timers/promises';

/** Milliseconds between two tries. */
const COMPLETION_PERIOD_MS = 25;

/** Resolves with the first answer of `url` that is a success. */
export async function waitForAnswer(
  url: string,
  options: { readonly periodMs: number; readonly init?: RequestInit },
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const response = await fetch(url, { ...options.init, signal }).catch(() => undefined);
    await response?.arrayBuffer().catch(() => undefined);
    if (response?.ok) return;
    await delay(options.periodMs, undefined, { signal });
  }
}

/** Asks the frontend at `url` for one token until it answers. */
export function waitForCompletion(url: string, model: string, signal: AbortSignal): Promise<void> {
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }], max_tokens: 1 }),
  };
  return waitForAnswer(`${url}/v1/chat/completions`, { periodMs: COMPLETION_PERIOD_MS, init }, signal);
}
