import type { ScriptPlace } from './recording.ts';

/** What a stand-in was: a process to start, or a question that it answered. */
type CallKind = 'launch' | 'value' | 'poll' | 'query' | 'setup' | 'inline' | 'inline-failed';

export interface RecordedCall {
  readonly kind: CallKind;
  /** Compares by the shells that made the calls: deterministic, unlike time. */
  readonly order: readonly number[];
  readonly at: ScriptPlace;
  readonly cwd: string;
  readonly background: boolean;
  readonly pid: number;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly files: readonly { readonly path: string; readonly content: Buffer }[];
}

export interface RecordedEvent {
  readonly kind: 'sleep' | 'wait' | 'idle';
  readonly order: readonly number[];
  readonly at: ScriptPlace;
  /** Seconds, or the process ids waited for. */
  readonly value: string;
}

export interface Records {
  readonly calls: readonly RecordedCall[];
  readonly events: readonly RecordedEvent[];
  readonly exitCode: number | undefined;
  readonly limit: 'processes' | 'memory' | 'time' | undefined;
  readonly output: string;
}

const OUTPUT_BYTES = 64 * 1024;
/** What the shell itself keeps in the environment, and what the recording adds. */
const BOOKKEEPING = /^(?:_|SHLVL|PWD|OLDPWD|BASH_ENV|__dynamo_.*|BASH_FUNC_.*)$/;
/** Bit of SIGINT in the mask of ignored signals: shells without job control start background jobs that way. */
const SIGINT_BIT = 2n;
/** Position of the ignored signals (field 33 of proc(5)) in a line of the chain, which starts at field 2 with the pid for a name. */
const IGNORED_FIELD = 31;

/** Reads the driver's output: `ready`, sizes as `wc -c` prints them, then the files one after another. */
export function readRecords(output: Buffer): Records {
  const files = splitFiles(output);
  const text = (name: string) => files.get(name)?.toString('utf8');
  const calls = [...files].flatMap(([name, content]) => (name.endsWith('.call') ? readCall(name, content, files) : []));
  const limit = text('limit');
  const status = text('status');
  return {
    calls: calls.sort((a, b) => compareOrders(a.order, b.order) || a.pid - b.pid),
    events: (text('events') ?? '').split('\n').flatMap(readEvent),
    exitCode: limit !== undefined || status === undefined ? undefined : Number(status),
    limit: limit === 'processes' || limit === 'memory' || limit === 'time' ? limit : undefined,
    output: (files.get('output') ?? Buffer.alloc(0)).subarray(-OUTPUT_BYTES).toString('utf8'),
  };
}

function splitFiles(output: Buffer): ReadonlyMap<string, Buffer> {
  const sizes: [string, number][] = [];
  let position = output.indexOf('\n') + 1;
  for (;;) {
    const end = output.indexOf('\n', position);
    if (end < 0) return new Map();
    const match = /^\s*(\d+) (.*)$/.exec(output.toString('utf8', position, end));
    position = end + 1;
    if (match === null || match[2] === 'total') break;
    sizes.push([match[2] ?? '', Number(match[1])]);
  }
  const files = new Map<string, Buffer>();
  for (const [name, size] of sizes) {
    if (name !== '/dev/null') files.set(name, output.subarray(position, position + size));
    position += size;
  }
  return files;
}

function readCall(name: string, content: Buffer, files: ReadonlyMap<string, Buffer>): readonly RecordedCall[] {
  const fields = content.toString('utf8').split('\0').slice(0, -1);
  const [kind, order, at, cwd, input, chain, fileCount, ...rest] = fields;
  if (!isCallKind(kind) || order === undefined || cwd === undefined || chain === undefined) return [];
  const id = name.slice(0, -'.call'.length);
  const paths = rest.slice(0, Number(fileCount));
  const argc = Number(rest[paths.length]);
  const argv = rest.slice(paths.length + 1, paths.length + 1 + argc);
  const copied = paths.map((path, index) => ({
    path,
    content: files.get(`${id}.file.${index + 1}`) ?? Buffer.alloc(0),
  }));
  return [
    {
      kind,
      order: readOrder(order),
      at: readPlace(at ?? ''),
      cwd,
      background: input === 'null' || ignoresInterrupt(chain, files.get('main')?.toString('utf8')),
      pid: Number(id),
      argv,
      env: readEnvironment(rest.slice(paths.length + 1 + argc)),
      files: copied,
    },
  ];
}

function isCallKind(text: string | undefined): text is CallKind {
  return text !== undefined && ['launch', 'value', 'poll', 'query', 'setup', 'inline', 'inline-failed'].includes(text);
}

function readEvent(line: string): readonly RecordedEvent[] {
  const [kind, order, at, value] = line.split('\t');
  if (kind !== 'sleep' && kind !== 'wait' && kind !== 'idle') return [];
  return [{ kind, order: readOrder(order ?? ''), at: readPlace(at ?? ''), value: value ?? '' }];
}

function readOrder(text: string): readonly number[] {
  return text.split('.').map(Number);
}

function readPlace(text: string): ScriptPlace {
  const colon = text.indexOf(':');
  return { file: text.slice(colon + 1), line: Number(text.slice(0, colon)) || 1 };
}

function readEnvironment(words: readonly string[]): Readonly<Record<string, string>> {
  const pairs = words.map((word): [string, string] => {
    const equals = word.indexOf('=');
    return [word.slice(0, equals), word.slice(equals + 1)];
  });
  return Object.fromEntries(pairs.filter(([name]) => !BOOKKEEPING.test(name)));
}

/** Whether the process or a shell between it and the script ignores SIGINT; `chain` is one line of /proc/PID/stat each, inner first. */
function ignoresInterrupt(chain: string, main: string | undefined): boolean {
  const processes = chain.split('\n').map((line) => line.split(' '));
  const script = processes.findIndex(([pid]) => pid === main);
  const ignores = (fields: readonly string[] | undefined) => {
    const mask = fields?.[IGNORED_FIELD];
    return mask !== undefined && /^\d+$/.test(mask) && (BigInt(mask) & SIGINT_BIT) !== 0n;
  };
  // A script that ignores it itself (`trap '' INT`) hands that to everything it starts.
  if (script >= 0 && ignores(processes[script])) return false;
  return processes.slice(0, script < 0 ? undefined : script).some(ignores);
}

export function compareOrders(a: readonly number[], b: readonly number[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const difference = (a[index] ?? -1) - (b[index] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}
