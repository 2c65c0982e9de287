import { PassThrough, Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Io } from '../../src/commands/io.ts';
import { runProgram } from '../../src/commands/program.ts';

export interface CliResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunCliOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdin?: string;
  readonly interrupted?: AbortSignal;
}

function collect(): { readonly stream: PassThrough; readonly text: () => string } {
  const stream = new PassThrough();
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    text += chunk;
  });
  return { stream, text: () => text };
}

/** Runs one command line in this process, as `bin/dynamo.js` would, and gives back what it printed. */
export async function runCli(args: readonly string[], options: RunCliOptions = {}): Promise<CliResult> {
  const stdout = collect();
  const stderr = collect();
  const never = new AbortController().signal;
  const io: Io = {
    env: { ...process.env, HF_TOKEN: undefined, CUDA_VISIBLE_DEVICES: undefined, ...options.env },
    cwd: process.cwd(),
    home: new URL('../../', import.meta.url),
    stdin: Readable.from(options.stdin === undefined ? [] : [Buffer.from(options.stdin)]),
    stdout: stdout.stream,
    stderr: stderr.stream,
    clock: { now: () => Date.now(), sleep: async (ms, signal) => void (await delay(ms, undefined, { signal })) },
    interrupted: options.interrupted ?? never,
    killed: never,
  };
  const exitCode = await runProgram(['node', 'dynamo', ...args], 'test', io);
  await new Promise((resolve) => setImmediate(resolve));
  return { exitCode, stdout: stdout.text(), stderr: stderr.text() };
}
