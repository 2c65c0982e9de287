import { watch } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogLine, LogOptions } from '../../model/runtime.ts';
import { LineSplitter } from '../line-splitter.ts';
import { LOG_FILES, TAG } from './log-file.ts';

export interface ReadLogsInput {
  readonly folder: string;
  readonly name: string;
  /** False once nobody writes to it any more, whatever the log says: its keeper is gone. */
  readonly isWritten: () => Promise<boolean>;
}

/** Milliseconds after which a log is looked at even where no change was told: some file systems tell of none. */
const LOOK_MS = 250;
/** Milliseconds after which it is asked whether anybody still writes. */
const CHECK_MS = 1000;
const CHUNK = 256 * 1024;

/** Lines in order; ends when the last life that the log tells of has ended (follow) or when all was read, and quietly with the signal. */
export async function* readLogs(
  input: ReadLogsInput,
  options: LogOptions,
  signal: AbortSignal,
): AsyncIterable<LogLine> {
  if (signal.aborted) return;
  const reader = new LogReader(input, options.since);
  try {
    await reader.open();
    const past: LogLine[] = [];
    for await (const line of reader.readOn()) {
      if (signal.aborted) return;
      if (options.tail === undefined) yield line;
      else {
        past.push(line);
        if (past.length > options.tail) past.shift();
      }
    }
    yield* past;
    if (!options.follow) return;
    using changes = new Changes(input.folder);
    // Many follow with one signal: each listens to one of its own, so that Node sees no leak of listeners.
    const mine = AbortSignal.any([signal]);
    let checkedAt = performance.now();
    while (!signal.aborted) {
      // The log itself tells of an end, unless its keeper was killed.
      const look = performance.now() - checkedAt >= CHECK_MS;
      if (look) checkedAt = performance.now();
      const over = reader.lifeEnded || (look && !(await input.isWritten()));
      for await (const line of reader.readOn()) {
        if (signal.aborted) return;
        yield line;
      }
      // What was over before the last look, and has begun no new life since, is over for good.
      if (over && (look || reader.lifeEnded)) return;
      await changes.next(mine);
    }
  } finally {
    await reader.close();
  }
}

/** Reads the files of a log one after another, oldest first, and goes with the newest when it is turned over. */
class LogReader {
  readonly #input: ReadLogsInput;
  readonly #since: number;
  readonly #buffer = Buffer.alloc(CHUNK);
  /** Oldest first; the last one may still grow. */
  #files: FileHandle[] = [];
  #splitter = new LineSplitter(Number.POSITIVE_INFINITY);
  #position = 0;
  lifeEnded = false;

  constructor(input: ReadLogsInput, since: number | undefined) {
    this.#input = input;
    this.#since = since ?? 0;
  }

  async open(): Promise<void> {
    const found: FileHandle[] = [];
    const seen = new Set<number>();
    // Newest first: a file that is turned over meanwhile is met again, and known.
    for (const name of LOG_FILES) {
      const file = await open(join(this.#input.folder, name)).catch(() => undefined);
      if (!file) continue;
      const { ino } = await file.stat();
      if (seen.has(ino)) await file.close();
      else found.unshift(file);
      seen.add(ino);
    }
    this.#files = found;
  }

  async close(): Promise<void> {
    await Promise.all(this.#files.map((file) => file.close()));
  }

  async *readOn(): AsyncIterable<LogLine> {
    if (this.#files.length === 0) await this.open();
    for (;;) {
      const [file, next] = this.#files;
      if (!file) return;
      const { bytesRead } = await file.read(this.#buffer, 0, CHUNK, this.#position);
      this.#position += bytesRead;
      for (const text of this.#splitter.push(this.#buffer.subarray(0, bytesRead))) {
        const line = this.#parse(text);
        if (line && (line.at ?? 0) >= this.#since) yield line;
      }
      if (bytesRead > 0) continue;
      if (next === undefined && !(await this.#follow(file))) return;
      this.#files.shift();
      await file.close();
      this.#position = 0;
      this.#splitter = new LineSplitter(Number.POSITIVE_INFINITY);
    }
  }

  /** The file that has come after the last one, where it was turned over; false: it is still the newest. */
  async #follow(file: FileHandle): Promise<boolean> {
    const { ino, size } = await file.stat();
    if (size > this.#position) return false;
    const inodes = await Promise.all(
      LOG_FILES.map((name) =>
        stat(join(this.#input.folder, name)).then(
          (found) => found.ino,
          () => undefined,
        ),
      ),
    );
    const at = inodes.indexOf(ino);
    if (at === 0) return false;
    const newer = LOG_FILES[at === -1 ? LOG_FILES.length - 1 : at - 1];
    const opened = newer && (await open(join(this.#input.folder, newer)).catch(() => undefined));
    if (!opened) return false;
    this.#files.push(opened);
    return true;
  }

  #parse(text: string): LogLine | undefined {
    const space = text.indexOf(' ');
    const tag = text[space + 1];
    this.lifeEnded = tag === TAG.ended || (this.lifeEnded && tag !== TAG.started);
    if (tag !== TAG.stdout && tag !== TAG.stderr) return undefined;
    return {
      name: this.#input.name,
      stream: tag === TAG.stdout ? 'stdout' : 'stderr',
      line: text.slice(space + 3),
      at: Number(text.slice(0, space)),
    };
  }
}

/** Wakes when something in a folder changes, and now and then. */
class Changes implements Disposable {
  readonly #watcher: { close(): void } | undefined;
  #changed = false;
  #wake: () => void = () => undefined;

  constructor(folder: string) {
    try {
      const watcher = watch(folder, { persistent: false }, () => {
        this.#changed = true;
        this.#wake();
      });
      watcher.on('error', () => undefined);
      this.#watcher = watcher;
    } catch {
      this.#watcher = undefined;
    }
  }

  async next(signal: AbortSignal): Promise<void> {
    if (!this.#changed) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, LOOK_MS);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
        signal.addEventListener('abort', this.#wake, { once: true });
      });
      signal.removeEventListener('abort', this.#wake);
    }
    this.#changed = false;
  }

  [Symbol.dispose](): void {
    this.#watcher?.close();
  }
}
