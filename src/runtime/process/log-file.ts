import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { LineSplitter } from '../line-splitter.ts';

/** As much as a container's log keeps: 3 files of 50 MB at most. */
const MAX_BYTES = 50 * 2 ** 20;
/** Newest first. */
export const LOG_FILES = ['log', 'log.1', 'log.2'] as const;

/** What stands between the time and the text of a record: a line of a stream, or the beginning or end of a life. */
export const TAG = { stdout: 'o', stderr: 'e', started: 's', ended: 'x' } as const;

/** Writes what a container says, each line with its time, and turns the files over. A disk that is full costs lines, and nothing else. */
export class LogFile {
  readonly #folder: string;
  readonly #now: () => number;
  readonly #maxBytes: number;
  #file: number | undefined;
  #bytes = 0;

  constructor(folder: string, options: { readonly now: () => number; readonly maxBytes?: number }) {
    this.#folder = folder;
    this.#now = options.now;
    this.#maxBytes = options.maxBytes ?? MAX_BYTES;
  }

  /** A new life: what follows is of it. */
  start(): void {
    this.#write(this.#record(TAG.started, ''));
  }

  /** The end of a life: all of it has been written. */
  end(exitCode: number): void {
    this.#write(this.#record(TAG.ended, String(exitCode)));
  }

  /** Takes the chunks of one stream. */
  writer(stream: 'stdout' | 'stderr'): { readonly push: (chunk: Buffer) => void; readonly end: () => void } {
    const splitter = new LineSplitter();
    const write = (lines: readonly string[]) => {
      if (lines.length > 0) this.#write(lines.map((line) => this.#record(TAG[stream], line)).join(''));
    };
    return { push: (chunk) => write(splitter.push(chunk)), end: () => write(splitter.end()) };
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #record(tag: string, text: string): string {
    return `${this.#now().toFixed(3)} ${tag} ${text}\n`;
  }

  #write(text: string): void {
    try {
      if (this.#file === undefined) this.#open();
      if (this.#bytes >= this.#maxBytes) this.#turnOver();
      if (this.#file !== undefined) this.#bytes += writeSync(this.#file, text);
    } catch {
      // Nobody can be told where nothing can be written.
    }
  }

  #open(): void {
    this.#file = openSync(join(this.#folder, LOG_FILES[0]), 'a', 0o600);
    this.#bytes = fstatSync(this.#file).size;
  }

  #turnOver(): void {
    this.close();
    const [newest, older, oldest] = LOG_FILES.map((name) => join(this.#folder, name));
    if (newest === undefined || older === undefined || oldest === undefined) return;
    try {
      renameSync(older, oldest);
    } catch {
      // There is no older one yet.
    }
    renameSync(newest, older);
    this.#open();
  }
}
