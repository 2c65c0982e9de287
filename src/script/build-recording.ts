import { existsSync } from 'node:fs';
import { normalize, resolve } from 'node:path';
import type { Diagnostic } from '../model/diagnostic.ts';
import { portOfAddress, portsOf } from './launch-ports.ts';
import type { RoomOutput } from './make-room.ts';
import { compareOrders, type RecordedCall, type RecordedEvent, readRecords } from './read-records.ts';
import {
  BASE_ENV,
  type Launch,
  type RecordedFile,
  type Recording,
  type RecordLimits,
  type RoomKind,
  type ScriptPlace,
  type Wait,
} from './recording.ts';
import { recordingNotices } from './recording-notices.ts';
import type { ScriptTree } from './script-tree.ts';

const FILE_BYTES = 1024 * 1024;

/** Turns what a room handed out into launches in start order, each with what the script waited for before it. */
export function buildRecording(tree: ScriptTree, room: RoomKind, handed: RoomOutput, limits: RecordLimits): Recording {
  const read = readRecords(handed.output);
  const records = handed.timedOut && read.limit === undefined ? { ...read, limit: 'time' as const } : read;
  const rename = (text: string) =>
    (handed.renames ?? []).reduce((result, [from, to]) => result.replaceAll(from, to), text);
  const processes = records.calls.filter((call) => call.kind === 'launch');
  const launches: Launch[] = [];
  const waits = [...records.events, ...records.calls.filter((call) => call.kind === 'poll')];
  for (const [index, call] of processes.entries()) {
    const previous = processes[index - 1];
    const between = waits
      .filter(
        (wait) =>
          compareOrders(wait.order, call.order) < 0 &&
          (previous === undefined || compareOrders(wait.order, previous.order) > 0),
      )
      .sort((a, b) => compareOrders(a.order, b.order));
    launches.push({
      argv: call.argv.map(rename),
      env: launchEnv(call.env, rename),
      cwd: rename(call.cwd),
      background: call.background,
      ...placeOf(call.at, tree, rename(call.cwd)),
      after: foldWaits(between.flatMap((wait) => readWait(wait, launches, processes))),
      files: launchFiles(call, rename),
    });
  }
  const notices: readonly Diagnostic[] = recordingNotices({
    tree,
    room,
    records,
    limits,
    leftOut: handed.leftOut ?? 0,
  });
  return {
    script: tree.script,
    tree: tree.root,
    launches,
    notices,
    room,
    exitCode: records.exitCode,
    output: records.output,
  };
}

function launchFiles(call: RecordedCall, rename: (text: string) => string): readonly RecordedFile[] {
  const files = call.files.map(({ path, content }) => ({
    path: normalize(rename(path)),
    content: content.length <= FILE_BYTES ? content.toString('utf8') : undefined,
  }));
  return files.filter(({ path }, index) => files.findIndex((other) => other.path === path) === index);
}

function launchEnv(
  env: Readonly<Record<string, string>>,
  rename: (text: string) => string,
): Readonly<Record<string, string>> {
  const renamed = Object.entries(env).map(([name, value]): [string, string] => [name, rename(value)]);
  const own = renamed.filter(([name, value]) => BASE_ENV[name] !== value && !(name === 'TMPDIR' && value === '/tmp'));
  return Object.fromEntries(own.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The script is visible below its own tree and below /workspace: both are the script itself. */
function placeOf(at: ScriptPlace, tree: ScriptTree, cwd = tree.cwd): { readonly line: number; readonly file?: string } {
  const absolute = resolve(cwd, at.file);
  const file = absolute.startsWith('/workspace/') ? absolute.replace('/workspace', tree.root) : absolute;
  // Functions that were exported have no file.
  return file === tree.script || !existsSync(file) ? { line: at.line } : { line: at.line, file };
}

function readWait(
  wait: RecordedEvent | RecordedCall,
  launches: readonly Launch[],
  processes: readonly RecordedCall[],
): readonly Wait[] {
  const { at } = wait;
  switch (wait.kind) {
    case 'sleep':
      return [{ kind: 'sleep', seconds: Number(wait.value) || 0, at }];
    case 'wait': {
      const pids = wait.value.split(' ').map(Number);
      const waited =
        wait.value === 'any'
          ? []
          : launches.flatMap((launch, index) =>
              (wait.value === '' ? launch.background : pids.includes(processes[index]?.pid ?? -1)) ? [index] : [],
            );
      return waited.length === 0 ? [] : [{ kind: 'exit', launches: waited, at }];
    }
    case 'poll': {
      const url = pollAddress('argv' in wait ? wait.argv : []);
      const port = portOfAddress(url);
      const launch = launches.findIndex((candidate) => port !== undefined && portsOf(candidate).includes(port));
      return [{ kind: 'poll', url, ...(launch < 0 ? {} : { launch }), at }];
    }
    default:
      return [];
  }
}

/** What a client asks: its URL, or `tcp://host:port` of a port check. */
function pollAddress(argv: readonly string[]): string {
  const [program = '', ...words] = argv;
  const plain = words.filter((word) => !word.startsWith('-'));
  if (/(?:^|\/)n(?:c|cat)$/.test(program)) return `tcp://${plain.slice(-2).join(':')}`;
  return plain.find((word) => /^[a-z]+:\/\//.test(word)) ?? plain.find((word) => /^[\w.-]+:\d+/.test(word)) ?? program;
}

/** A polling loop asks the same over and over and sleeps in between: said once. */
function foldWaits(waits: readonly Wait[]): readonly Wait[] {
  const polled = new Set<string>();
  return waits.filter((wait, index) => {
    if (wait.kind === 'sleep') {
      const before = waits[index - 1];
      return !(
        before?.kind === 'poll' ||
        (before?.kind === 'sleep' && before.at.line === wait.at.line && before.seconds === wait.seconds)
      );
    }
    if (wait.kind !== 'poll') return true;
    if (polled.has(wait.url)) return false;
    polled.add(wait.url);
    return true;
  });
}
