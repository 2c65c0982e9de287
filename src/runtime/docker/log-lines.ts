import { StringDecoder } from 'node:string_decoder';

/** A line longer than this is cut in pieces: nothing grows without bound. */
const MAX_LINE = 256 * 1024;

/** Puts chunks of one stream together to lines; `\r\n` ends a line like `\n`, UTF-8 may be split anywhere. */
export class LineSplitter {
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  /** The lines that this chunk completes. */
  push(chunk: Buffer): string[] {
    const parts = (this.#rest + this.#decoder.write(chunk)).split('\n');
    this.#rest = parts.pop() ?? '';
    if (this.#rest.length > MAX_LINE) {
      parts.push(this.#rest);
      this.#rest = '';
    }
    return parts.map(stripReturn);
  }

  /** What is left when the stream ends, if anything. */
  end(): string[] {
    const rest = this.#rest + this.#decoder.end();
    this.#rest = '';
    return rest === '' ? [] : [stripReturn(rest)];
  }
}

function stripReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

/** Splits the engine's leading RFC 3339 time with nanoseconds from the line; milliseconds since the epoch, with fractions. */
export function parseStampedLine(line: string): { readonly at: number | undefined; readonly text: string } {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z ?/.exec(line);
  if (!match) return { at: undefined, text: line };
  const at = Date.parse(`${match[1]}Z`) + Number(`0.${match[2] ?? '0'}`) * 1000;
  return { at, text: line.slice(match[0].length) };
}

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
