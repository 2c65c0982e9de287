import type Docker from 'dockerode';
import { LABEL, membershipFilter } from '../../model/labels.ts';
import type { RuntimeEvent } from '../../model/runtime.ts';
import { LineSplitter } from '../line-splitter.ts';
import { isKnownRole } from '../parse-labels.ts';
import { callEngine, toUserError } from './engine-errors.ts';
import { finishedName } from './unfinished-name.ts';

const ACTIONS: readonly RuntimeEvent['action'][] = ['create', 'start', 'die', 'oom', 'stop', 'kill', 'destroy'];

interface EngineEvent {
  readonly Action?: string;
  readonly time?: number;
  readonly timeNano?: number;
  readonly Actor?: { readonly Attributes?: Readonly<Record<string, string>> };
}

function isEngineEvent(value: unknown): value is EngineEvent {
  return typeof value === 'object' && value !== null && 'Action' in value;
}

/** One line of the engine's stream; undefined for what nobody here waits for, and for what is no event. */
export function parseEvent(line: string): RuntimeEvent | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isEngineEvent(value)) return undefined;
  const { Action, Actor, time = 0, timeNano = time * 1e9 } = value;
  const action = ACTIONS.find((known) => known === Action);
  const attributes = Actor?.Attributes;
  if (!action || !attributes || !isKnownRole(attributes[LABEL.role])) return undefined;
  const { exitCode } = attributes;
  return {
    action,
    name: finishedName(attributes.name ?? ''),
    project: attributes[LABEL.project] ?? '',
    component: attributes[LABEL.component] ?? '',
    replica: Number.parseInt(attributes[LABEL.replica] ?? '0', 10) || 0,
    time: timeNano / 1e6,
    ...(exitCode === undefined ? {} : { exitCode: Number(exitCode) }),
  };
}

/** The engine's event stream for a project, or for all; `ready` resolves when it is open. An abort ends the stream without an error. */
export function watchEvents(
  docker: Docker,
  project: string | undefined,
  signal: AbortSignal,
): { readonly ready: Promise<void>; readonly stream: AsyncIterable<RuntimeEvent> } {
  const opened = openEvents(docker, project, signal);
  const ready = opened.then(() => undefined);
  // Who reads the stream sees the error; `ready` may go unused.
  ready.catch(() => undefined);
  return { ready, stream: readEvents(opened, signal) };
}

async function openEvents(
  docker: Docker,
  project: string | undefined,
  signal: AbortSignal,
): Promise<NodeJS.ReadableStream> {
  return callEngine({ what: 'events', signal }, async () => {
    const stream = await docker.getEvents({
      filters: { type: ['container'], label: [membershipFilter(project)] },
      abortSignal: signal,
    });
    // An abort before anybody reads must not end the process.
    stream.on('error', () => undefined);
    // The engine sends its headers just before it subscribes (moby api/server/router/system getEvents): one more round trip, and nothing is missed.
    await docker.ping();
    return stream;
  });
}

async function* readEvents(opened: Promise<NodeJS.ReadableStream>, signal: AbortSignal): AsyncIterable<RuntimeEvent> {
  const splitter = new LineSplitter();
  try {
    for await (const chunk of await opened) {
      for (const line of splitter.push(Buffer.from(chunk))) {
        const event = parseEvent(line);
        if (event) yield event;
      }
    }
  } catch (error) {
    if (!signal.aborted) throw toUserError(error, { what: 'events' });
  }
}
