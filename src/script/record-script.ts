import { chmodSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { UserError } from '../model/diagnostic.ts';
import { buildRecording } from './build-recording.ts';
import { runInContainerRoom } from './container-room.ts';
import { withHostFiles } from './host-files.ts';
import type { RoomOutput, RoomPlan } from './make-room.ts';
import { RoomUnavailable, runInNamespaces } from './namespace-room.ts';
import { BASE_ENV, DEFAULT_LIMITS, type Recording, type RecordOptions, type RoomKind } from './recording.ts';
import { findScriptTree, type ScriptTree } from './script-tree.ts';
import { runTrusted } from './trusted-room.ts';

/** A program called by a path that does not exist is invented and the script runs again: this often at most. */
const TRIES = 4;
const DETAIL_LINES = 15;
const PREFIX = 'dynamo-record-';
/** No run takes that long: its limits end it within a minute. */
const LEFT_MS = 600_000;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
const MISSING_PROGRAM =
  /((?:\/|\.{1,2}\/)?[\w.+-]+(?:\/[\w.+-]+)*\/bin\/[\w.+-]+|\/[\w./+-]*\/bin\/[\w.+-]+)['’]?: No such file or directory/g;

/**
 * Runs a launch script in a locked room with the real bash and writes down every process it would start; nothing of it is started.
 * The script sees a fixed environment and `env`, no network, no real program but pure ones, and a throwaway view of its tree.
 * Throws UserError (exit code 2) when there is no such file, no room can be had, or the script fails before it starts anything.
 */
export async function recordScript(options: RecordOptions, signal: AbortSignal): Promise<Recording> {
  const tree = findScriptTree(options.file);
  checkInterpreter(tree.script, options.file);
  const badName = Object.keys(options.env).find((name) => !VARIABLE.test(name));
  if (badName !== undefined) throw new UserError('BAD_VARIABLE_NAME', `${badName} is not the name of a variable`);
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  let invented: readonly string[] = [];
  for (let attempt = 1; ; attempt += 1) {
    const plan: RoomPlan = {
      script: tree.script,
      args: options.args,
      cwd: tree.cwd,
      tree: tree.root,
      env: { ...BASE_ENV, ...options.env },
      limits,
      invented,
    };
    const { room, handed } = await runInSomeRoom(options, tree, plan, signal);
    const recording = buildRecording(tree, room, handed, limits);
    const missing = missingPrograms(recording.output, tree).filter((path) => !invented.includes(path));
    if (attempt < TRIES && room !== 'trusted' && missing.length > 0) {
      invented = [...invented, ...missing];
      continue;
    }
    throwOnEarlyFailure(recording, options.file);
    return withHostFiles(recording);
  }
}

/** Shells whose scripts bash reads. */
const SHELL = /(?:^|[/\s])(?:ba|da|a|k)?sh\b/;

/** Throws for what bash would read as rubbish (exit code 2): a script of another program, Windows line ends, a file that cannot be read. */
function checkInterpreter(path: string, file: string): void {
  let first = '';
  try {
    first = readFileSync(path, 'latin1').split('\n', 1)[0] ?? '';
  } catch (cause) {
    throw new UserError('SCRIPT_UNREADABLE', `${file} cannot be read`, {
      hint: 'look at its permissions: ls -l',
      cause,
    });
  }
  if (first.startsWith('#!') && !SHELL.test(first))
    throw new UserError('SCRIPT_INTERPRETER', `${file} is a script for ${first.slice(2).trim()}, not for bash`, {
      hint: 'give a launch script of the shell, or YAML',
    });
  if (first.endsWith('\r'))
    throw new UserError('SCRIPT_LINE_ENDS', `${file} has Windows line ends (CR LF), which bash cannot read`, {
      hint: `sed -i 's/\\r$//' ${file}`,
    });
}

async function runInSomeRoom(
  options: RecordOptions,
  tree: ScriptTree,
  plan: RoomPlan,
  signal: AbortSignal,
): Promise<{ readonly room: RoomKind; readonly handed: RoomOutput }> {
  const run = options.runInContainer;
  if (options.room === 'trusted')
    return { room: 'trusted', handed: await inDirectory((directory) => runTrusted(directory, plan, signal)) };
  let reason = 'no container engine';
  if (options.room !== 'container') {
    try {
      return { room: 'namespace', handed: await inDirectory((directory) => runInNamespaces(directory, plan, signal)) };
    } catch (error) {
      if (!(error instanceof RoomUnavailable)) throw error;
      reason = error.message;
      if (options.room === 'namespace') throw unavailable(reason);
    }
  }
  if (run === undefined) throw unavailable(reason);
  return {
    room: 'container',
    handed: await inDirectory((directory) => runInContainerRoom(directory, plan, tree, run, signal)),
  };
}

function unavailable(reason: string): UserError {
  return new UserError('ROOM_UNAVAILABLE', `the script cannot be locked in on this machine: ${reason}`, {
    hint: 'allow unprivileged user namespaces, start Docker, or pass --trust-script to run it with stand-ins on PATH alone',
  });
}

/** A private directory for one run, gone afterwards. */
async function inDirectory(run: (directory: string) => Promise<RoomOutput>): Promise<RoomOutput> {
  removeLeftDirectories();
  const directory = mkdtempSync(join(tmpdir(), PREFIX));
  try {
    return await run(directory);
  } finally {
    chmodSync(directory, 0o700);
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What a run that was killed left. */
function removeLeftDirectories(): void {
  const base = tmpdir();
  for (const name of readdirSync(base).filter((entry) => entry.startsWith(PREFIX))) {
    const directory = join(base, name);
    const age = Date.now() - (lstatSync(directory, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age < LEFT_MS) continue;
    try {
      rmSync(directory, { recursive: true, force: true });
    } catch {
      // It is another user's.
    }
  }
}

/** Programs that the shell did not find at the path the script gave, such as the interpreter of a virtual environment in the image. */
function missingPrograms(output: string, tree: ScriptTree): readonly string[] {
  return [...new Set([...output.matchAll(MISSING_PROGRAM)].map((match) => resolve(tree.cwd, match[1] ?? '')))];
}

function throwOnEarlyFailure(recording: Recording, file: string): void {
  if (recording.launches.length > 0 || recording.exitCode === undefined || recording.exitCode === 0) return;
  throw new UserError('SCRIPT_FAILED', `${file} ended with status ${recording.exitCode} before it started anything`, {
    hint: 'give what it asks for as arguments behind -- or with -e NAME=VALUE',
    details: recording.output.trim().split('\n').slice(-DETAIL_LINES).join('\n'),
    diagnostics: recording.notices.filter(({ code }) => code !== 'SCRIPT_EXIT'),
  });
}
