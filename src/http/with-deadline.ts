/** What was done in time, or that it was not. */
export type Timed<T> = { readonly kind: 'done'; readonly value: T } | { readonly kind: 'timeout' };

/**
 * Does work that must end within `timeoutMs`; its signal is aborted then, and when `signal` is. Nothing is left on `signal` afterwards:
 * AbortSignal.any and AbortSignal.timeout would leave something for each of thousands of tries. Rejects with what the work rejects
 * with, and with the reason of `signal` when that is aborted.
 */
export async function withDeadline<T>(
  timeoutMs: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<Timed<T>> {
  signal.throwIfAborted();
  const ending = new AbortController();
  let late = false;
  const onAbort = () => ending.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => {
    late = true;
    ending.abort();
  }, timeoutMs);
  try {
    return { kind: 'done', value: await work(ending.signal) };
  } catch (error) {
    signal.throwIfAborted();
    if (late) return { kind: 'timeout' };
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
