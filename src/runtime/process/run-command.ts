import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { UserError } from '../../model/diagnostic.ts';
import { REPLICA_FOLDER } from '../../model/process-paths.ts';
import type { AttachedExecOptions, ExecResult } from '../../model/runtime.ts';
import type { ContainerSpec } from './container-state.ts';

/** The kubelet keeps this many bytes of a probe's answer (pkg/probe/exec maxReadLength). */
const MAX_OUTPUT = 10 * 1024;
/** A shell's words for a program that is not there, and for one that cannot be run. */
const NOT_FOUND = 127;
const NOT_RUNNABLE = 126;

/** The environment that a replica's processes have. */
function environment({ container, base }: ContainerSpec, folder: string): Record<string, string> {
  return {
    ...base,
    ...Object.fromEntries(container.env.map(({ name, value }) => [name, value])),
    [REPLICA_FOLDER]: folder,
  };
}

/** One command beside a replica, with its environment and directory: exec probes. An abort kills it. */
export async function runCommand(
  spec: ContainerSpec,
  folder: string,
  [program = '', ...args]: readonly string[],
  signal: AbortSignal,
): Promise<ExecResult> {
  signal.throwIfAborted();
  const child = spawn(program, args, {
    cwd: spec.container.workingDir ?? '/',
    env: environment(spec, folder),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const kill = () => killGroup(child.pid);
  signal.addEventListener('abort', kill, { once: true });
  const kept: Buffer[] = [];
  let length = 0;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      const part = chunk.subarray(0, MAX_OUTPUT - length);
      length += part.length;
      kept.push(part);
    });
  }
  try {
    const exitCode = await exitOf(child);
    signal.throwIfAborted();
    return { exitCode, output: Buffer.concat(kept).toString('utf8') };
  } finally {
    signal.removeEventListener('abort', kill);
  }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

async function exitOf(child: ReturnType<typeof spawn>): Promise<number> {
  const failed = once(child, 'error').then(([error]: NodeJS.ErrnoException[]) =>
    error?.code === 'EACCES' ? NOT_RUNNABLE : NOT_FOUND,
  );
  failed.catch(() => undefined);
  const ended = new Promise<number>((resolve) => {
    child.once('close', (code, killedBy) => {
      if (child.pid !== undefined) resolve(code ?? 128 + (killedBy === null ? 0 : constants.signals[killedBy]));
    });
  });
  return Promise.race([ended, failed]);
}

/** A command wired to the caller's streams; with a terminal it is given the caller's own. */
export async function attachCommand(
  spec: ContainerSpec,
  folder: string,
  options: AttachedExecOptions,
  signal: AbortSignal,
): Promise<number> {
  if (options.user !== undefined) {
    throw new UserError('EXEC_USER', 'processes run as the user who brought them up: exec takes no --user', {
      hint: 'leave --user out, or run the command with sudo or su',
    });
  }
  const [program = '', ...args] = options.command;
  const given = (options.env ?? []).map((entry): [string, string] => {
    const equals = entry.indexOf('=');
    return equals === -1 ? [entry, ''] : [entry.slice(0, equals), entry.slice(equals + 1)];
  });
  const child = spawn(program, args, {
    cwd: options.workingDir ?? spec.container.workingDir ?? '/',
    env: { ...environment(spec, folder), ...Object.fromEntries(given) },
    stdio: options.tty ? 'inherit' : [options.stdin ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    // A terminal's foreground group is ours; without one the whole group can be killed.
    detached: !options.tty,
  });
  const kill = () => (options.tty ? child.kill('SIGKILL') : killGroup(child.pid));
  if (signal.aborted) kill();
  signal.addEventListener('abort', kill, { once: true });
  child.stdin?.on('error', () => undefined);
  if (child.stdin) options.stdin?.pipe(child.stdin);
  child.stdout?.pipe(options.stdout, { end: false });
  child.stderr?.pipe(options.stderr, { end: false });
  try {
    const exitCode = await exitOf(child);
    signal.throwIfAborted();
    return exitCode;
  } finally {
    signal.removeEventListener('abort', kill);
    // A stdin that is still read would keep the process alive.
    options.stdin?.unpipe();
    options.stdin?.pause();
  }
}
