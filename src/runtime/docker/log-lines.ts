import { LineSplitter } from '../line-splitter.ts';

/** An engine's time at the start of a payload: at most `2006-01-02T15:04:05.000000000+00:00 `. */
const STAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) /;
const MAX_STAMP = 36;

/** Splits the engine's leading RFC 3339 time from a payload; milliseconds since the epoch, with fractions. */
export function parseStamp(payload: Buffer): { readonly at: number | undefined; readonly rest: Buffer } {
  const match = STAMP.exec(payload.toString('latin1', 0, MAX_STAMP));
  if (!match) return { at: undefined, rest: payload };
  const at = Date.parse(`${match[1]}${match[3]}`) + Number(`0.${match[2] ?? '0'}`) * 1000;
  return { at, rest: payload.subarray(match[0].length) };
}

/** The time at the start of a payload as the engine wrote it: UTC with nanoseconds, so that text compares as time does. */
export function readStamp(payload: Buffer): string {
  return STAMP.exec(payload.toString('latin1', 0, MAX_STAMP))?.[0].trimEnd() ?? '';
}

export interface StampedLine {
  readonly line: string;
  readonly at: number | undefined;
}

/**
 * Lines of one stream from the engine's messages. A message is a line, or a piece of a long one (the engine cuts at 16 KiB), and each
 * has a time of its own: the first piece's is the line's.
 */
export class MessageJoiner {
  readonly #splitter = new LineSplitter();
  #at: number | undefined;
  #open = false;

  push(message: Buffer): StampedLine[] {
    const { at, rest } = parseStamp(message);
    const first = this.#open ? this.#at : at;
    const lines = this.#splitter.push(rest).map((line, index) => ({ line, at: index === 0 ? first : at }));
    this.#open = rest.at(-1) !== NEWLINE;
    this.#at = lines.length === 0 ? first : at;
    return lines;
  }

  end(): StampedLine[] {
    return this.#splitter.end().map((line) => ({ line, at: this.#at }));
  }
}
const NEWLINE = 10;

export interface Frame {
  readonly stream: 'stdout' | 'stderr';
  readonly payload: Buffer;
}

/** Takes the engine's multiplexed stream apart: 8 bytes of header (stream, length) before each payload. */
export class FrameSplitter {
  #rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): Frame[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: Frame[] = [];
    while (this.#rest.length >= 8) {
      const length = this.#rest.readUInt32BE(4);
      if (this.#rest.length < 8 + length) break;
      frames.push({ stream: this.#rest[0] === 2 ? 'stderr' : 'stdout', payload: this.#rest.subarray(8, 8 + length) });
      this.#rest = this.#rest.subarray(8 + length);
    }
    return frames;
  }
}
