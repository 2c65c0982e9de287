import type Docker from 'dockerode';
import type { LogLine, LogOptions } from '../../model/runtime.ts';
import { asUserError, isAborted } from './engine-errors.ts';
import { FrameSplitter, LineSplitter, parseStampedLine } from './log-lines.ts';

/** Lines of one container in order, stdout and stderr told apart; ends with the container (follow) or when all was read. */
export async function* readLogs(
  docker: Docker,
  name: string,
  options: LogOptions,
  signal: AbortSignal,
): AsyncIterable<LogLine> {
  const query = {
    stdout: true,
    stderr: true,
    timestamps: true,
    ...(options.tail === undefined ? {} : { tail: options.tail }),
    ...(options.since === undefined ? {} : { since: options.since / 1000 }),
    abortSignal: signal,
  };
  const container = docker.getContainer(name);
  // One call with `follow` answers with a stream, without it with a buffer: the types of dockerode tell them apart by the literal.
  const source: AsyncIterable<Buffer> = options.follow
    ? toChunks(await asUserError(`logs of ${name}`, () => container.logs({ ...query, follow: true })))
    : toChunks([await asUserError(`logs of ${name}`, () => container.logs({ ...query, follow: false }))]);
  const frames = new FrameSplitter();
  const splitters = { stdout: new LineSplitter(), stderr: new LineSplitter() };
  const toLine = (stream: LogLine['stream'], line: string): LogLine => {
    const { at, text } = parseStampedLine(line);
    return { name, stream, line: text, at };
  };
  try {
    for await (const chunk of source) {
      for (const frame of frames.push(chunk)) {
        for (const line of splitters[frame.stream].push(frame.payload)) yield toLine(frame.stream, line);
      }
    }
  } catch (error) {
    if (!signal.aborted || !isAborted(error)) throw error;
  }
  for (const stream of ['stdout', 'stderr'] as const) {
    for (const line of splitters[stream].end()) yield toLine(stream, line);
  }
}

async function* toChunks(source: AsyncIterable<string | Buffer> | Iterable<string | Buffer>): AsyncIterable<Buffer> {
  for await (const chunk of source) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}
