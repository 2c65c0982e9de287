import type { DesiredContainer } from '../../model/desired-state.ts';
import type { RuntimeEvent } from '../../model/runtime.ts';

/** A file as JSON carries it. `path` is absolute and lies in the container's own folder. */
export interface FileMessage {
  readonly path: string;
  readonly base64: string;
  readonly mode: number;
}

/** What a keeper is asked to do, by kind. Each is safe to repeat. */
export interface RequestArgs {
  /** Makes the project. */
  makeProject: { readonly project: string };
  create: {
    readonly container: Omit<DesiredContainer, 'files'>;
    readonly base: Readonly<Record<string, string>>;
    readonly files: readonly FileMessage[];
  };
  start: { readonly name: string };
  stop: { readonly name: string; readonly graceSeconds: number };
  kill: { readonly name: string };
  remove: { readonly name: string };
  setRestartPolicy: { readonly name: string; readonly policy: 'no' | 'unless-stopped' };
  /** The project lives no longer than this connection. */
  hold: { readonly project: string };
  release: { readonly project: string };
  /** Events come over this connection from now on. */
  subscribe: { readonly project: string };
  /** Stops everything, removes the project, ends. Volumes of claims stay. */
  removeProject: { readonly project: string };
}
export type RequestKind = keyof RequestArgs;
export type Request<K extends RequestKind = RequestKind> = {
  [P in K]: { readonly kind: P } & RequestArgs[P];
}[K];

/** A fault that a user can act on, or a bug (no code). */
export interface Fault {
  readonly code: string | undefined;
  readonly message: string;
  readonly hint: string | undefined;
}

/** Bumped when requests change: a keeper outlives the version of the program that started it. */
export const PROTOCOL = 1;

export type Message =
  /** The keeper's first word on a connection: who hears it will be answered. */
  | { readonly hello: number }
  | { readonly id: number; readonly request: Request }
  | { readonly id: number; readonly fault: Fault | null }
  | { readonly event: RuntimeEvent };

/** Messages are JSON, one a line. */
export function encodeMessage(message: Message): string {
  return `${JSON.stringify(message)}\n`;
}

function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && ('id' in value || 'event' in value || 'hello' in value);
}

/** Both ends are this program, on a socket that nobody else can open: what has the form of a message is one. */
export function decodeMessage(line: string): Message | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isMessage(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
