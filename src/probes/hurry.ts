import type { Clock } from '../model/clock.ts';

/** Sleeps that a sign of progress cuts short. */
export class Hurry {
  readonly #clock: Clock;
  readonly #sleeping = new Set<AbortController>();
  #since: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#since = clock.now();
  }

  /** Milliseconds since the beginning or the last mark. */
  get sinceMs(): number {
    return this.#clock.now() - this.#since;
  }

  /** A sign of progress: whoever sleeps wakes up. */
  mark(): void {
    this.#since = this.#clock.now();
    for (const sleep of [...this.#sleeping]) sleep.abort();
  }

  /** Resolves after `ms` or at the next mark; rejects with the reason of `signal` when that is aborted before. */
  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const woken = new AbortController();
    const onAbort = () => woken.abort(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    this.#sleeping.add(woken);
    try {
      await this.#clock.sleep(ms, woken.signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!woken.signal.aborted) throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#sleeping.delete(woken);
    }
  }
}
