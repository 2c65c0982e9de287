import { once } from 'node:events';
import type Docker from 'dockerode';
import type { AttachedExecOptions, ExecResult } from '../../model/runtime.ts';
import { asUserError } from './engine-errors.ts';
import { FrameSplitter } from './log-lines.ts';

/** The kubelet keeps this much of a probe's answer (pkg/probe/exec maxReadLength). */
const MAX_OUTPUT = 10 * 1024;

/** One command inside, its output in one text: exec probes. */
export async function runExec(
  docker: Docker,
  name: string,
  command: readonly string[],
  signal: AbortSignal,
): Promise<ExecResult> {
  const exec = await docker
    .getContainer(name)
    .exec({ Cmd: [...command], AttachStdout: true, AttachStderr: true, abortSignal: signal });
  const stream = await exec.start({ hijack: true, stdin: false, abortSignal: signal });
  const frames = new FrameSplitter();
  let output = '';
  const onAbort = () => stream.destroy();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for await (const chunk of stream) {
      for (const frame of frames.push(chunk)) if (output.length < MAX_OUTPUT) output += frame.payload.toString('utf8');
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
  signal.throwIfAborted();
  const { ExitCode } = await exec.inspect({ abortSignal: signal });
  return { exitCode: ExitCode ?? -1, output: output.slice(0, MAX_OUTPUT) };
}

/** A command wired to the caller's streams, with a terminal when asked; resolves with its exit code. */
export async function runAttachedExec(
  docker: Docker,
  name: string,
  options: AttachedExecOptions,
  signal: AbortSignal,
): Promise<number> {
  const { stdin, stdout, stderr, tty } = options;
  const exec = await asUserError(`exec in ${name}`, () =>
    docker.getContainer(name).exec({
      Cmd: [...options.command],
      AttachStdin: stdin !== undefined,
      AttachStdout: true,
      AttachStderr: true,
      Tty: tty,
      ...(options.user ? { User: options.user } : {}),
      ...(options.workingDir ? { WorkingDir: options.workingDir } : {}),
      ...(options.env ? { Env: [...options.env] } : {}),
    }),
  );
  const stream = await asUserError(`exec in ${name}`, () =>
    exec.start({ hijack: true, stdin: stdin !== undefined, Tty: tty }),
  );
  const resize = () => {
    if ('columns' in stdout && 'rows' in stdout)
      exec.resize({ w: Number(stdout.columns), h: Number(stdout.rows) }).catch(() => undefined);
  };
  if (tty) {
    resize();
    stdout.on('resize', resize);
  }
  const onAbort = () => stream.destroy();
  signal.addEventListener('abort', onAbort, { once: true });
  if (stdin) {
    stdin.on('data', (chunk) => stream.write(chunk));
    stdin.on('end', () => stream.end());
  }
  const frames = new FrameSplitter();
  stream.on('data', (chunk: Buffer) => {
    if (tty) stdout.write(chunk);
    else for (const frame of frames.push(chunk)) (frame.stream === 'stdout' ? stdout : stderr).write(frame.payload);
  });
  try {
    await Promise.race([once(stream, 'end'), once(stream, 'close')]);
  } finally {
    stdout.off('resize', resize);
    signal.removeEventListener('abort', onAbort);
    stdin?.removeAllListeners('data');
    stdin?.pause();
  }
  if (signal.aborted) return 130;
  const { ExitCode } = await exec.inspect();
  return ExitCode ?? 1;
}
