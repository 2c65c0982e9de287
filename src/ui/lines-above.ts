import { Writable } from 'node:stream';
import type { Terminal } from './event-renderer.ts';

const ESCAPE = '\u001b[';

/** Erases so many lines, the one the cursor stands on last, as log-update does (ansi-escapes eraseLines). */
function eraseLines(count: number): string {
  let text = '';
  for (let line = 0; line < count; line += 1) text += `${ESCAPE}2K${line < count - 1 ? `${ESCAPE}1A` : ''}`;
  return count > 0 ? `${text}${ESCAPE}G` : text;
}

/** What log-update puts before a frame: erasing the last one. */
const ERASING = new RegExp(`^(?:${'\u001b'}\\[2K(?:${'\u001b'}\\[1A)?)*(?:${'\u001b'}\\[G)?`);

/**
 * A terminal for a frame that is drawn again and again (listr2's), above which lines can be put: the frame is lifted, the line is
 * written where it stood, and the frame is drawn again below it. listr2 itself keeps foreign lines back until it has ended.
 */
export class LinesAbove extends Writable {
  readonly #terminal: Terminal;
  #frame = '';
  /** log-update reads these. */
  readonly isTTY = true;

  constructor(terminal: Terminal) {
    super({ decodeStrings: false });
    this.#terminal = terminal;
  }

  get columns(): number {
    return this.#terminal.columns ?? 80;
  }

  get rows(): number {
    return this.#terminal.rows ?? 24;
  }

  override _write(chunk: string | Buffer, _: BufferEncoding, done: () => void): void {
    const text = chunk.toString();
    // Showing and hiding the cursor is no frame.
    if (text !== `${ESCAPE}?25l` && text !== `${ESCAPE}?25h`) this.#frame = text.replace(ERASING, '');
    this.#terminal.write(text);
    done();
  }

  /** Writes whole lines above the frame. */
  writeAbove(lines: string): void {
    const height = this.#frame === '' ? 0 : this.#frame.split('\n').length;
    this.#terminal.write(`${eraseLines(height)}${lines}${this.#frame}`);
  }

  /** What comes now stands below the last frame. */
  leave(): void {
    this.#frame = '';
  }
}
