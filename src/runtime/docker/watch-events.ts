import type Docker from 'dockerode';
import { LABEL, membershipFilter } from '../../model/labels.ts';
import type { RuntimeEvent } from '../../model/runtime.ts';
import { asUserError, isAborted } from './engine-errors.ts';

const ACTIONS: readonly RuntimeEvent['action'][] = ['create', 'start', 'die', 'oom', 'stop', 'kill', 'destroy'];

interface EngineEvent {
  readonly Action?: string;
  readonly timeNano?: number;
  readonly Actor?: { readonly Attributes?: Readonly<Record<string, string>> };
}

function isEngineEvent(value: unknown): value is EngineEvent {
  return typeof value === 'object' && value !== null && 'Action' in value;
}

/** One event of the engine's stream; undefined for those that nobody here waits for. */
export function parseEvent(value: unknown): RuntimeEvent | undefined {
  if (!isEngineEvent(value)) return undefined;
  const action = ACTIONS.find((known) => known === value.Action);
  const attributes = value.Actor?.Attributes;
  if (!action || !attributes) return undefined;
  const exitCode = attributes.exitCode;
  return {
    action,
    name: attributes.name ?? '',
    project: attributes[LABEL.project] ?? '',
    component: attributes[LABEL.component] ?? '',
    replica: Number.parseInt(attributes[LABEL.replica] ?? '0', 10) || 0,
    time: (value.timeNano ?? 0) / 1e6,
    ...(exitCode === undefined ? {} : { exitCode: Number(exitCode) }),
  };
}

/** The engine's event stream for a project, or for all; `ready` resolves when it is open. */
export function watchEvents(
  docker: Docker,
  project: string | undefined,
  signal: AbortSignal,
): { readonly ready: Promise<void>; readonly stream: AsyncIterable<RuntimeEvent> } {
  const options = {
    filters: { type: ['container' as const], label: [membershipFilter(project)] },
    abortSignal: signal,
  };
  const opened = asUserError('events', () => docker.getEvents(options));
  opened.catch(() => undefined);
  return { ready: opened.then(() => undefined), stream: readEvents(opened, signal) };
}

async function* readEvents(opened: Promise<NodeJS.ReadableStream>, signal: AbortSignal): AsyncIterable<RuntimeEvent> {
  let rest = '';
  try {
    for await (const chunk of await opened) {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const event = line.trim() === '' ? undefined : parseEvent(JSON.parse(line));
        if (event) yield event;
      }
    }
  } catch (error) {
    if (!signal.aborted || !isAborted(error)) throw error;
  }
}
