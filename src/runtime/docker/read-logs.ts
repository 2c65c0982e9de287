import type Docker from 'dockerode';
import type { LogLine, LogOptions } from '../../model/runtime.ts';
import { callEngine, toUserError } from './engine-errors.ts';
import { FrameSplitter, MessageJoiner } from './log-lines.ts';

type LogStream = LogLine['stream'];

/**
 * Lines of one container in order, stdout and stderr told apart; ends with the container (follow) or when all was read, and
 * without an error when the signal is aborted.
 */
export async function* readLogs(
  docker: Docker,
  name: string,
  options: LogOptions,
  signal: AbortSignal,
): AsyncIterable<LogLine> {
  const what = `logs of ${name}`;
  if (signal.aborted) return;
  const joiners: Readonly<Record<LogStream, MessageJoiner>> = {
    stdout: new MessageJoiner(),
    stderr: new MessageJoiner(),
  };
  const frames = new FrameSplitter();
  try {
    for await (const chunk of await callEngine({ what, signal }, () => openLogs(docker, name, options, signal))) {
      for (const { stream, payload } of frames.push(Buffer.from(chunk))) {
        for (const { line, at } of joiners[stream].push(payload)) yield { name, stream, line, at };
      }
    }
  } catch (error) {
    // On a log stream an abort arrives as a plain ECONNRESET.
    if (signal.aborted) return;
    throw toUserError(error, { what });
  }
  for (const stream of ['stdout', 'stderr'] as const) {
    for (const { line, at } of joiners[stream].end()) yield { name, stream, line, at };
  }
}

/** Both forms as a stream: dockerode would gather a log that is not followed in one buffer, and `_query` is what it sends instead of the options. */
async function openLogs(
  docker: Docker,
  name: string,
  { follow, tail, since }: LogOptions,
  signal: AbortSignal,
): Promise<AsyncIterable<string | Buffer>> {
  const query = {
    stdout: true,
    stderr: true,
    timestamps: true,
    follow,
    ...(tail === undefined ? {} : { tail }),
    // Seconds, with nanoseconds behind the point.
    ...(since === undefined ? {} : { since: since / 1000 }),
  };
  const options = { follow: true as const, abortSignal: signal, _query: query };
  const stream = await docker.getContainer(name).logs(options);
  // An abort before anybody reads must not end the process.
  stream.on('error', () => undefined);
  return stream;
}
