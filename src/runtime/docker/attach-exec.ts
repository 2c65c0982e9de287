import type { Duplex } from 'node:stream';
import type Docker from 'dockerode';
import type { AttachedExecOptions } from '../../model/runtime.ts';
import { callEngine } from './engine-errors.ts';
import { FrameSplitter } from './log-lines.ts';
import { waitExecEnd } from './wait-exec-end.ts';

/** A command wired to the caller's streams, with a terminal when asked; resolves with its exit code, rejects with the signal's reason. */
export function attachExec(
  docker: Docker,
  name: string,
  options: AttachedExecOptions,
  signal: AbortSignal,
): Promise<number> {
  const { stdin, stdout, tty } = options;
  return callEngine({ what: `exec in ${name}`, signal }, async () => {
    const exec = await docker.getContainer(name).exec({
      Cmd: [...options.command],
      AttachStdin: stdin !== undefined,
      AttachStdout: true,
      AttachStderr: true,
      Tty: tty,
      ...(options.user ? { User: options.user } : {}),
      ...(options.workingDir ? { WorkingDir: options.workingDir } : {}),
      ...(options.env ? { Env: [...options.env] } : {}),
      abortSignal: signal,
    });
    const stream = await exec.start({ hijack: true, stdin: stdin !== undefined, Tty: tty, abortSignal: signal });
    const resize = () => {
      if ('columns' in stdout && 'rows' in stdout)
        exec.resize({ w: Number(stdout.columns), h: Number(stdout.rows) }).catch(() => undefined);
    };
    if (tty) {
      resize();
      stdout.on('resize', resize);
    }
    try {
      await connectStreams(stream, options, signal);
    } finally {
      stdout.off('resize', resize);
    }
    return waitExecEnd(exec, signal);
  });
}

/** Carries bytes both ways until the command's side ends. */
async function connectStreams(stream: Duplex, options: AttachedExecOptions, signal: AbortSignal): Promise<void> {
  const { stdin, stdout, stderr, tty } = options;
  const frames = new FrameSplitter();
  const onInput = (chunk: Buffer | string) => {
    if (!stream.write(chunk)) stdin?.pause();
  };
  const onDrain = () => stdin?.resume();
  const onInputEnd = () => stream.end();
  const onAbort = () => stream.destroy(new Error('aborted'));
  signal.addEventListener('abort', onAbort, { once: true });
  const ended = new Promise<void>((resolve, reject) => {
    stream.on('end', resolve);
    stream.on('close', resolve);
    stream.on('error', reject);
  });
  stream.on('data', (chunk: Buffer) => {
    if (tty) stdout.write(chunk);
    else for (const frame of frames.push(chunk)) (frame.stream === 'stdout' ? stdout : stderr).write(frame.payload);
  });
  stream.on('drain', onDrain);
  stdin?.on('data', onInput);
  stdin?.on('end', onInputEnd);
  try {
    signal.throwIfAborted();
    await ended;
  } finally {
    signal.removeEventListener('abort', onAbort);
    stdin?.off('data', onInput);
    stdin?.off('end', onInputEnd);
    // A stdin that is still read would keep the process alive.
    stdin?.pause();
    stream.destroy();
  }
}
