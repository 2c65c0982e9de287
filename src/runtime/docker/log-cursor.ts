import { readStamp } from './log-lines.ts';

type LogStream = 'stdout' | 'stderr';

/** Two streams are stamped apart, so that their times may stand in another order than the log has them; never by this much. */
const OVERLAP_MS = 1000;

/**
 * Remembers how far a log was read, to find what a second reading adds. Times of one stream never go back; several messages may
 * share one, so those of the last time are counted.
 */
export class LogCursor {
  readonly #last = new Map<LogStream, { stamp: string; count: number }>();
  /** With `tail`, what is older than the first message was left out on purpose. */
  readonly #floor: { stamp: string } | undefined;

  constructor(options: { readonly tail: boolean }) {
    this.#floor = options.tail ? { stamp: '' } : undefined;
  }

  /** Notes a message that was read. */
  see(stream: LogStream, message: Buffer): void {
    const stamp = readStamp(message);
    const last = this.#last.get(stream);
    if (this.#floor?.stamp === '') this.#floor.stamp = stamp;
    if (last?.stamp === stamp) last.count += 1;
    else this.#last.set(stream, { stamp, count: 1 });
  }

  /** Milliseconds since the epoch from which a second reading starts; undefined: nothing was read. */
  get since(): number | undefined {
    const stamps = [...this.#last.values()].map(({ stamp }) => Date.parse(stamp));
    return stamps.length === 0 ? undefined : Math.max(...stamps) - OVERLAP_MS;
  }

  /** Whether a message of a second reading, in its order, is new; those that are not are counted off. */
  isNew(stream: LogStream, message: Buffer): boolean {
    const stamp = readStamp(message);
    const last = this.#last.get(stream);
    if (last === undefined) return stamp >= (this.#floor?.stamp ?? '');
    if (stamp !== last.stamp) return stamp > last.stamp;
    last.count -= 1;
    return last.count < 0;
  }
}
