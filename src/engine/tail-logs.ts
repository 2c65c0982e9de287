import type { Emit } from '../model/event.ts';
import type { Runtime } from '../model/runtime.ts';
import type { ContainerEvents } from './container-events.ts';

export interface LogTail {
  /** Container name. */
  readonly name: string;
  /** How its lines are labelled: `decode-0`. */
  readonly source: string;
  /** Resolves when the container runs. Call before it is started, so that no start is missed. */
  readonly started: Promise<void>;
  /** It ran before we came: lines from this moment on (milliseconds since the epoch) are shown. Undefined: it is started now. */
  readonly attachedAt: number | undefined;
}

export interface TailOptions {
  readonly runtime: Runtime;
  readonly events: ContainerEvents;
  readonly emit: Emit;
  /** Lines that exist only because we probe: neither shown nor read. */
  readonly isNoise: (line: string) => boolean;
  readonly showLogs: boolean;
  readonly onLine: (source: string, line: string) => void;
}

/** Just after a line: engines stamp lines with nanoseconds. */
const AFTER_LINE_MS = 0.001;

/** Emits a container's lines from its start on, through every restart, until the signal is aborted. */
export async function tailLogs(tail: LogTail, options: TailOptions, signal: AbortSignal): Promise<void> {
  let starts = 0;
  let wake: (() => void) | undefined;
  const stopListening = options.events.listen(tail.name, (event) => {
    if (event.action !== 'start') return;
    starts += 1;
    wake?.();
  });
  const onAbort = () => wake?.();
  signal.addEventListener('abort', onAbort);
  try {
    await tail.started;
    let since = tail.attachedAt;
    let shownStarts = tail.attachedAt === undefined ? 1 : 0;
    while (!signal.aborted) {
      const follow = { follow: true, ...(since === undefined ? {} : { since }) };
      for await (const { stream, line, at } of options.runtime.logs(tail.name, follow, signal)) {
        if (at !== undefined) since = at + AFTER_LINE_MS;
        if (options.isNoise(line)) continue;
        options.onLine(tail.source, line);
        if (options.showLogs)
          options.emit({ type: 'log', source: tail.source, stream, line, ...(at === undefined ? {} : { at }) });
      }
      // The stream ends with the container; it goes on with the next life.
      while (starts <= shownStarts && !signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      shownStarts = starts;
    }
  } finally {
    stopListening();
    signal.removeEventListener('abort', onAbort);
  }
}
