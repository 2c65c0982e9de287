import type Docker from 'dockerode';
import { UserError } from '../../model/diagnostic.ts';
import type { LogLine, LogOptions } from '../../model/runtime.ts';
import { callEngine, isConflict, isNotFound, toUserError } from './engine-errors.ts';
import { LogCursor } from './log-cursor.ts';
import { type Frame, FrameSplitter, MessageJoiner } from './log-lines.ts';

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
  const joiners: Readonly<Record<LogStream, MessageJoiner>> = {
    stdout: new MessageJoiner(),
    stderr: new MessageJoiner(),
  };
  for await (const { stream, payload } of readMessages(docker, name, options, signal)) {
    for (const { line, at } of joiners[stream].push(payload)) yield { name, stream, line, at };
  }
  if (signal.aborted) return;
  for (const stream of ['stdout', 'stderr'] as const) {
    for (const { line, at } of joiners[stream].end()) yield { name, stream, line, at };
  }
}

/**
 * The engine ends a followed log as soon as the container has ended, often before the last message (4 of 10 times in engine
 * 20.10): what the log has beyond is read after that. The last line of a container that died is the one that counts.
 */
async function* readMessages(
  docker: Docker,
  name: string,
  options: LogOptions,
  signal: AbortSignal,
): AsyncIterable<Frame> {
  if (!options.follow) {
    yield* readFrames(docker, name, options, signal);
    return;
  }
  const cursor = new LogCursor({ tail: options.tail !== undefined });
  for await (const frame of readFrames(docker, name, options, signal)) {
    cursor.see(frame.stream, frame.payload);
    yield frame;
  }
  const { since } = cursor;
  const rest =
    since === undefined ? { ...options, follow: false } : { follow: false, since: Math.max(since, options.since ?? 0) };
  try {
    for await (const frame of readFrames(docker, name, rest, signal))
      if (cursor.isNew(frame.stream, frame.payload)) yield frame;
  } catch (error) {
    // It is removed by now, and its log with it.
    if (!(error instanceof UserError && (isNotFound(error.cause) || isConflict(error.cause)))) throw error;
  }
}

async function* readFrames(
  docker: Docker,
  name: string,
  options: LogOptions,
  signal: AbortSignal,
): AsyncIterable<Frame> {
  const what = `logs of ${name}`;
  if (signal.aborted) return;
  const frames = new FrameSplitter();
  try {
    for await (const chunk of await callEngine({ what, signal }, () => openLogs(docker, name, options, signal)))
      yield* frames.push(Buffer.from(chunk));
  } catch (error) {
    // On a log stream an abort arrives as a plain ECONNRESET.
    if (signal.aborted) return;
    throw toUserError(error, { what });
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
