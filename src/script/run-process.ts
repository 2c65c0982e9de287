import { spawn } from 'node:child_process';

export interface ProcessResult {
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
  readonly timedOut: boolean;
}

/** What a room may write on its output at most: records and what they carry. */
const STDOUT_BYTES = 256 * 1024 * 1024;
const STDERR_BYTES = 64 * 1024;

export interface ProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** Leads a process group of its own, which is ended as a whole. */
  readonly group?: boolean;
}

/** Runs a program to its end, killed after `timeoutMs` or when the signal is aborted (then rejects with its reason). */
export async function runProcess(options: ProcessOptions, signal: AbortSignal): Promise<ProcessResult> {
  signal.throwIfAborted();
  const child = spawn(options.command, options.args, {
    env: options.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: options.group === true,
  });
  const output: Buffer[] = [];
  let outputBytes = 0;
  let stderr = '';
  let timedOut = false;
  const end = () => {
    if (options.group === true && child.pid !== undefined) {
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // The group is gone already.
      }
    }
    child.kill('SIGKILL');
  };
  const timer = setTimeout(() => {
    timedOut = true;
    end();
  }, options.timeoutMs);
  signal.addEventListener('abort', end, { once: true });
  child.stdout.on('data', (chunk: Buffer) => {
    outputBytes += chunk.length;
    if (outputBytes > STDOUT_BYTES) end();
    else output.push(chunk);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString('utf8')).slice(-STDERR_BYTES);
  });
  try {
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    signal.throwIfAborted();
    return { exitCode, stdout: Buffer.concat(output), stderr, timedOut };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
    if (options.group === true) end();
  }
}
