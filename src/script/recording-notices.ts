import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Diagnostic, Severity } from '../model/diagnostic.ts';
import type { RecordedCall, Records } from './read-records.ts';
import type { RecordLimits, RoomKind, ScriptPlace } from './recording.ts';
import type { ScriptTree } from './script-tree.ts';

export interface NoticeSources {
  readonly tree: ScriptTree;
  readonly room: RoomKind;
  readonly records: Records;
  readonly limits: RecordLimits;
  readonly leftOut: number;
}

const MIB = 1024 * 1024;
const HARDWARE = /(?:^|\/)(?:nvidia-smi|rocm-smi|xpu-smi|hl-smi)$/;

/** Everything that makes a recording differ from what the script would do on its own machine, each once, in script order. */
export function recordingNotices(sources: NoticeSources): readonly Diagnostic[] {
  const { tree, records, limits } = sources;
  const say = (severity: Severity, code: string, message: string, at?: ScriptPlace, hint?: string): Diagnostic => ({
    severity,
    code,
    message,
    ...(at === undefined ? {} : { at: { file: fileOf(at.file, tree), line: at.line, col: 1 } }),
    ...(hint === undefined ? {} : { hint }),
  });
  const told = [...tellErrors(records, say), ...records.calls.flatMap((call) => tellCall(call, say))];
  const unique = told.filter(
    (notice, index) =>
      told.findIndex((other) => other.code === notice.code && other.message === notice.message) === index,
  );
  return [
    ...tellLimit(withEngineLimit(records, sources.room), limits, say),
    ...(sources.room === 'trusted'
      ? [
          say(
            'warning',
            'ROOM_TRUSTED',
            'the script ran on this machine with stand-ins on PATH alone: what it wrote by redirection, and what it ran by an absolute path, has happened and is no launch',
          ),
        ]
      : []),
    ...(sources.leftOut > 0
      ? [
          say(
            'notice',
            'TREE_INCOMPLETE',
            `${sources.leftOut} files around the script were too many or too large to copy`,
          ),
        ]
      : []),
    ...unique,
  ];
}

/** A relative name counts from where the script starts; what is no file there is the script. */
function fileOf(name: string, { cwd, script }: ScriptTree): string {
  const path = resolve(cwd, name);
  return name.startsWith('/') || existsSync(path) ? path : script;
}

type Say = (severity: Severity, code: string, message: string, at?: ScriptPlace, hint?: string) => Diagnostic;

/** SIGKILL in a container is its engine's word for too much memory: nothing else there kills. */
function withEngineLimit(records: Records, room: RoomKind): Records {
  const killed = room === 'container' && records.exitCode === 137 && records.limit === undefined;
  return killed ? { ...records, limit: 'memory' } : records;
}

function tellLimit(records: Records, limits: RecordLimits, say: Say): readonly Diagnostic[] {
  switch (records.limit) {
    case 'time':
      return [
        say(
          'error',
          'SCRIPT_ENDLESS',
          `the script was ended after ${limits.wallMs / 1000} s: it loops without waiting`,
        ),
      ];
    case 'processes':
      return [
        say('error', 'SCRIPT_TOO_MANY_PROCESSES', `the script was ended with ${limits.processes} processes at once`),
      ];
    case 'memory':
      return [
        say(
          'error',
          'SCRIPT_TOO_MUCH_MEMORY',
          `the script was ended above ${Math.round(limits.memoryBytes / MIB)} MiB of memory`,
        ),
      ];
    case undefined:
      break;
  }
  const full = /No space left on device|File size limit exceeded/.test(records.output)
    ? [
        say(
          'warning',
          'SCRIPT_WRITES_TOO_MUCH',
          `the script wrote more than ${Math.round(limits.writtenBytes / MIB)} MiB: the rest was cut off`,
        ),
      ]
    : [];
  if (records.exitCode === undefined || records.exitCode === 0) return full;
  const last = records.output.trim().split('\n').at(-1) ?? '';
  return [...full, say('warning', 'SCRIPT_EXIT', `the script ended with status ${records.exitCode}: ${last}`)];
}

/** What bash says of a line that it could not do: `/x/agg.sh: line 5: cd: /workspace/y: No such file or directory`. */
const SHELL_ERROR =
  /^(\S.*): line (\d+): (cd: )?(\S.*): (No such file or directory|Not a directory|Permission denied|Read-only file system|unbound variable)$/gm;
/** What the few real programs of the room say when they may not: `rm: cannot remove '/x': Permission denied`. */
const PROGRAM_ERROR =
  /^(?:rm|cp|mv|mkdir|touch|tee|ln|chmod|chown|dd|install): .*(?:Permission denied|Read-only file system|Operation not permitted)$/gm;

/** Scripts go on after it, without what they were to read, or leave out what they were to start there. The last words of a script that ends with it are told as its end. */
function tellErrors({ output, exitCode }: Records, say: Say): readonly Diagnostic[] {
  const last = output.trim().split('\n').at(-1);
  const ofShell = [...output.matchAll(SHELL_ERROR)]
    .filter(([line]) => exitCode === 0 || line !== last)
    .map(([, file = '', line, cd, what = '', why = '']) => {
      const at = { file, line: Number(line) };
      if (why === 'unbound variable')
        return say(
          'warning',
          'VARIABLE_UNSET',
          `${what} is not set, so what needs it is not started`,
          at,
          `give it with -e ${what}=VALUE`,
        );
      if (/read-only|permission/i.test(why))
        return say('notice', 'WRITE_REFUSED', `${what}: the script may not write there while it is recorded`, at);
      const lost = cd === undefined ? '' : ', so what the script starts there is not known';
      return say('warning', 'FILE_MISSING', `${what}: ${why.toLowerCase()}${lost}`, at);
    });
  const ofPrograms = [...output.matchAll(PROGRAM_ERROR)].map(([line]) =>
    say('notice', 'WRITE_REFUSED', `${line}: the script changes nothing outside while it is recorded`),
  );
  return [...ofShell, ...ofPrograms];
}

/** A host that is not this machine, in the words of an HTTP client. */
const ELSEWHERE = /^(?:[a-z]+:\/\/)(?!localhost\b|127\.|0\.0\.0\.0|\[::1?\])([^/:?#]+)/;

function tellCall(call: RecordedCall, say: Say): readonly Diagnostic[] {
  const words = call.argv.join(' ');
  const shown = words.length > 80 ? `${words.slice(0, 79)}…` : words;
  switch (call.kind) {
    case 'query':
      return HARDWARE.test(call.argv[0] ?? '')
        ? [say('notice', 'GPUS_ASSUMED', `\`${shown}\` was answered as a machine of eight GPUs`, call.at)]
        : [say('notice', 'HOST_ASSUMED', `\`${shown}\` was answered with localhost`, call.at)];
    case 'setup':
      return [say('notice', 'SETUP_NOT_RUN', `\`${shown}\` did not run: it prepares the machine`, call.at)];
    case 'inline-failed':
      return [
        say(
          'warning',
          'VALUE_EMPTY',
          `inline Python failed or could not run, what it computes is empty`,
          call.at,
          'give the value with -e or as an argument',
        ),
      ];
    case 'value':
      return [
        say(
          'warning',
          'VALUE_EMPTY',
          `\`${shown}\` did not run, the value it prints is empty`,
          call.at,
          'give the value with -e or as an argument',
        ),
      ];
    case 'poll': {
      const host = call.argv.map((word) => ELSEWHERE.exec(word)?.[1]).find((found) => found !== undefined);
      return host === undefined
        ? []
        : [say('notice', 'NETWORK_REFUSED', `\`${shown}\` did not reach ${host}: a recording has no network`, call.at)];
    }
    default:
      return [];
  }
}
