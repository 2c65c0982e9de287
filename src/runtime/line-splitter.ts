import { StringDecoder } from 'node:string_decoder';

/** A line longer than this many characters is cut in pieces: nothing grows without bound. */
export const MAX_LINE = 256 * 1024;

/** Puts chunks of one stream together to lines; `\r\n` ends a line like `\n`, UTF-8 may be split anywhere. */
export class LineSplitter {
  readonly #decoder = new StringDecoder('utf8');
  readonly #maxLine: number;
  #rest = '';

  constructor(maxLine = MAX_LINE) {
    this.#maxLine = maxLine;
  }

  /** The lines that this chunk completes. */
  push(chunk: Buffer): string[] {
    const parts = (this.#rest + this.#decoder.write(chunk)).split('\n');
    this.#rest = parts.pop() ?? '';
    if (this.#rest.length > this.#maxLine) {
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
