import { existsSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DRIVER } from './driver-text.ts';
import { INLINE_PYTHON } from './inline-python-text.ts';
import { PRELUDE } from './prelude-text.ts';
import { PURE_PROGRAMS, STAND_IN_PROGRAMS, WRITING_PROGRAMS } from './program-names.ts';
import { BASE_ENV, type RecordLimits } from './recording.ts';
import { quoteWord, quoteWords } from './shell-quote.ts';
import { STAND_IN } from './stand-in-text.ts';

/** One run of a script, as every room needs to know it. All paths are those inside the room. */
export interface RoomPlan {
  readonly script: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly tree: string;
  /** The whole environment at the start. */
  readonly env: Readonly<Record<string, string>>;
  readonly limits: RecordLimits;
  /** Absolute programs and files to invent: the script called them and they are not there. */
  readonly invented: readonly string[];
}

/** How the files of a room refer to each other inside it. */
export interface RoomPaths {
  /** Holds `lib` and `records`. */
  readonly room: string;
  /** Where a real program stands inside; undefined where there is none. */
  readonly real: (name: string) => string | undefined;
  /** Interpreter for inline Python; undefined answers with nothing. */
  readonly python: string | undefined;
  /** Command in front of the script's shell that takes its rights away. */
  readonly confine: readonly string[];
  /** Whether processes in the room are those of the room alone, so that they can be counted and ended. */
  readonly ownProcesses: boolean;
  /** Whether the limit on processes can be set on the user: the user has no others. */
  readonly userLimit: boolean;
  /** Processes of the room itself: the driver and its watch. */
  readonly driverProcesses: number;
}

/** What the driver of a room handed out; `renames` are paths of this run alone and what they stand for. */
export interface RoomOutput {
  readonly output: Buffer;
  readonly renames?: readonly (readonly [string, string])[];
  /** Entries of the tree that were not copied. */
  readonly leftOut?: number;
  /** The room had to be ended from outside: what it recorded is lost. */
  readonly timedOut?: boolean;
}

const PAGE_BYTES = 4096;
const SEARCH_PATH = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/usr/local/bin'] as const;

/** The file behind a program's name on this machine, links followed. */
export function findProgram(name: string): string | undefined {
  const found = SEARCH_PATH.map((directory) => join(directory, name)).find((path) => existsSync(path));
  return found === undefined ? undefined : realpathSync(found);
}

/** Writes `lib` below `directory`: stand-in, prelude, driver, and the shell that becomes the script. */
export function writeRoomFiles(directory: string, plan: RoomPlan, paths: RoomPaths): void {
  const lib = join(directory, 'lib');
  mkdirSync(lib, { mode: 0o755 });
  const need = (name: string) => paths.real(name) ?? name;
  const values: Readonly<Record<string, string>> = {
    ROOM: paths.room,
    RECORDS: `${paths.room}/records`,
    TREE: plan.tree,
    BASH: need('bash'),
    CP: need('cp'),
    CAT: need('cat'),
    WC: need('wc'),
    TAIL: need('tail'),
    ENV: need('env'),
    MKDIR: need('mkdir'),
    PYTHON: paths.python ?? '',
    RUN: quoteWords([...paths.confine, need('bash'), '--norc', `${paths.room}/lib/run`]),
    CONFINED: paths.ownProcesses ? 'yes' : 'no',
    OWN: String(paths.driverProcesses),
    WALL: String(plan.limits.wallMs),
    PROCESSES: String(plan.limits.processes),
    PAGES: String(Math.ceil(plan.limits.memoryBytes / PAGE_BYTES)),
  };
  const fill = (text: string) => text.replace(/@([A-Z]+)@/g, (whole, name: string) => values[name] ?? whole);
  const write = (name: string, text: string, mode: number) => writeFileSync(join(lib, name), text, { mode });
  write('stand-in', fill(STAND_IN), 0o755);
  write('prelude', fill(PRELUDE), 0o644);
  write('driver', fill(DRIVER), 0o644);
  write('run', runText(plan, paths), 0o644);
  write('inline.py', INLINE_PYTHON, 0o644);
  write('stdin', '', 0o644);
  // Last: files newer than this one are the script's own.
  write('start', '', 0o644);
}

/** The shell that becomes the script: limits, then exactly the environment of the plan. */
function runText(plan: RoomPlan, paths: RoomPaths): string {
  const { limits } = plan;
  const ulimits = [
    `ulimit -c 0`,
    `ulimit -t ${Math.ceil(limits.wallMs / 1000) + 1}`,
    `ulimit -f ${Math.ceil(limits.writtenBytes / 1024)}`,
    `ulimit -v ${Math.ceil((limits.memoryBytes * 2) / 1024)}`,
  ];
  const exported = Object.entries({ ...plan.env, BASH_ENV: `${paths.room}/lib/prelude` });
  const bash = quoteWord(paths.real('bash') ?? 'bash');
  return [
    // Whatever the room itself was started with.
    'unset $(compgen -e)',
    ...exported.map(([name, value]) => `export ${name}=${quoteWord(value)}`),
    ...ulimits,
    ...(paths.userLimit ? [`ulimit -u ${limits.processes}`] : []),
    `cd -- ${quoteWord(plan.cwd)} || exit 125`,
    `exec ${bash} -- ${quoteWords([plan.script, ...plan.args])}`,
    '',
  ].join('\n');
}

/** A directory of programs: the pure ones lead to the real ones, all other known names to the stand-in. */
export function writeProgramLinks(
  directory: string,
  standIn: string,
  paths: RoomPaths,
  invented: readonly string[],
): void {
  mkdirSync(directory, { mode: 0o755 });
  for (const name of PURE_PROGRAMS) {
    const real = paths.real(name);
    if (real !== undefined && (paths.ownProcesses || !WRITING_PROGRAMS.includes(name)))
      symlinkSync(real, join(directory, name));
    else if (real !== undefined) symlinkSync(standIn, join(directory, name));
  }
  const searched = invented.filter((path) => searchesIn(dirname(path))).map((path) => basename(path));
  for (const name of new Set([...STAND_IN_PROGRAMS, ...searched])) symlinkSync(standIn, join(directory, name));
}

/** Whether PATH of a room leads to this directory. */
export function searchesIn(directory: string): boolean {
  return (BASE_ENV.PATH ?? '').split(':').includes(directory);
}
