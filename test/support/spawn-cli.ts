import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../bin/dynamo.js', import.meta.url));

/** What is kept between runs stays away from the user's own. */
const STATE = join(tmpdir(), `dynamo-test-state-${process.getuid?.() ?? ''}`);

export interface CliProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Everything printed so far, stdout and stderr apart. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves when stderr holds the text; rejects when the process ends before. */
  readonly untilSaid: (text: string | RegExp) => Promise<void>;
  /** Exit code, or the signal's name. */
  readonly ended: Promise<number | string>;
}

/** Starts the built command line as a process of its own: what signals are tested on. */
export function spawnCli(args: readonly string[], env: Readonly<Record<string, string | undefined>> = {}): CliProcess {
  const child = spawn(process.execPath, [BIN, ...args], {
    env: { ...process.env, HF_TOKEN: undefined, XDG_STATE_HOME: STATE, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const checks = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
    for (const check of checks) check();
  });
  const ended = once(child, 'close').then(([code, signal]: (number | string | null)[]) => code ?? signal ?? -1);
  return {
    child,
    pid: child.pid ?? -1,
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    untilSaid: (text) =>
      new Promise((resolve, reject) => {
        const check = () => {
          if (typeof text === 'string' ? !stderr.includes(text) : !text.test(stderr)) return;
          checks.delete(check);
          resolve();
        };
        checks.add(check);
        check();
        ended.then(
          (how) => reject(new Error(`the command ended with ${how} before it said ${text}:\n${stderr}`)),
          reject,
        );
      }),
  };
}

/** Runs a command to its end. */
export async function cli(args: readonly string[], env: Readonly<Record<string, string | undefined>> = {}) {
  const run = spawnCli(args, env);
  const exitCode = await run.ended;
  return { exitCode, stdout: run.stdout(), stderr: run.stderr() };
}
