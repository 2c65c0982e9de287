import type { Writable } from 'node:stream';
import type { DynamoEvent } from '../model/event.ts';

/** A subscriber of the one stream of events; `close` resolves when everything is written. */
export interface Renderer {
  handle(event: DynamoEvent): void;
  close(): Promise<void>;
}

export type Environment = Readonly<Record<string, string | undefined>>;
export type Terminal = Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };
