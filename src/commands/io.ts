import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../model/clock.ts';

/** What a command may touch of the world: `cli.ts` makes the real one, tests make their own. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The folder of this program, which holds compose/. */
  readonly home: URL;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly clock: Clock;
  /** Aborted by the first Ctrl-C or SIGTERM. */
  readonly interrupted: AbortSignal;
  /** Aborted by the second. */
  readonly killed: AbortSignal;
}

/** Data goes to stdout, and nothing else does. */
export function print(io: Io, text: string): void {
  io.stdout.write(text.endsWith('\n') || text === '' ? text : `${text}\n`);
}

/** Messages go to stderr. */
export function say(io: Io, text: string): void {
  io.stderr.write(text.endsWith('\n') || text === '' ? text : `${text}\n`);
}

export function printJson(io: Io, value: unknown): void {
  print(io, JSON.stringify(value, null, 2));
}

/** Columns of the terminal that data goes to; undefined where it goes into a file or a pipe. */
export function terminalColumns({ stdout }: Io): number | undefined {
  return stdout.isTTY ? stdout.columns : undefined;
}
