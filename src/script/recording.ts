import type { Diagnostic } from '../model/diagnostic.ts';
import type { RunInContainer } from '../model/locked-container.ts';

/** Where a script is recorded: `auto` takes namespaces where the kernel allows them, else a container; never `trusted`. */
export type RoomChoice = 'auto' | 'namespace' | 'container' | 'trusted';
export type RoomKind = 'namespace' | 'container' | 'trusted';

/** What a recording may use up before it is ended. */
export interface RecordLimits {
  readonly wallMs: number;
  /** Resident memory of everything in the room together; a single process may map twice as much. */
  readonly memoryBytes: number;
  readonly processes: number;
  /** Files the script writes: the room's own file system is no larger. */
  readonly writtenBytes: number;
  /** What is copied of the script's tree where it cannot be laid under the room. */
  readonly treeBytes: number;
}

const MIB = 1024 * 1024;
export const DEFAULT_LIMITS: RecordLimits = {
  wallMs: 20_000,
  memoryBytes: 1024 * MIB,
  processes: 128,
  writtenBytes: 128 * MIB,
  treeBytes: 64 * MIB,
};

export interface RecordOptions {
  /** The launch script. */
  readonly file: string;
  /** What stands behind `--` on the command line. */
  readonly args: readonly string[];
  /** Values of `-e`: the only part of the caller's environment that the script sees. */
  readonly env: Readonly<Record<string, string>>;
  readonly room: RoomChoice;
  readonly limits?: Partial<RecordLimits>;
  /** The second room; left out where there is no engine. */
  readonly runInContainer?: RunInContainer;
}

/** Line of a script; `file` is absolute and only differs from the script's own when it was sourced or called. */
export interface ScriptPlace {
  readonly file: string;
  readonly line: number;
}

/** What the script waited for before the launch that carries it. */
export type Wait =
  | { readonly kind: 'sleep'; readonly seconds: number; readonly at: ScriptPlace }
  /** `launch` is the index of the launch that has the port, when one has. */
  | { readonly kind: 'poll'; readonly url: string; readonly launch?: number; readonly at: ScriptPlace }
  | { readonly kind: 'exit'; readonly launches: readonly number[]; readonly at: ScriptPlace };

/** A file that the script had written and then handed to a process; `content` is undefined above 1 MiB. */
export interface RecordedFile {
  readonly path: string;
  readonly content: string | undefined;
}

/** One process that the script would have started. */
export interface Launch {
  /** `argv[0]` as the script wrote it. */
  readonly argv: readonly string[];
  /** Exported at that moment and different from the fixed base environment; sorted by name. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly background: boolean;
  readonly line: number;
  /** The file that `line` counts in, when it is not the script itself. */
  readonly file?: string;
  /** Since the launch before. */
  readonly after: readonly Wait[];
  readonly files: readonly RecordedFile[];
}

export interface Recording {
  /** Absolute path of the script. */
  readonly script: string;
  /** Root of what the script could read: its repository, else some directories above it. Also visible as /workspace. */
  readonly tree: string;
  /** In the order in which the script starts them. */
  readonly launches: readonly Launch[];
  readonly notices: readonly Diagnostic[];
  readonly room: RoomKind;
  /** Exit status of the script; undefined when it was ended at a limit. */
  readonly exitCode: number | undefined;
  /** What it printed, its last 64 KiB. */
  readonly output: string;
}

/** The environment in which every recording starts; `Launch.env` holds what differs from it (DESIGN: formats). */
export const BASE_ENV: Readonly<Record<string, string>> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/home/dynamo',
  USER: 'dynamo',
  LOGNAME: 'dynamo',
  SHELL: '/bin/bash',
  LANG: 'C.UTF-8',
  TERM: 'dumb',
};
