import { closeSync, openSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { EXIT, UserError } from '../../model/diagnostic.ts';
import type { RuntimeEvent } from '../../model/runtime.ts';
import { LineSplitter } from '../line-splitter.ts';
import { isTooLong, socketPath } from './keeper-address.ts';
import { decodeMessage, encodeMessage, type Fault, type Message, PROTOCOL, type Request } from './protocol.ts';

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** One connection to the keeper of a project. It keeps this process alive only while an answer is waited for. */
export class KeeperConnection {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Set<(event: RuntimeEvent) => void>();
  #last = 0;
  #open = true;
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>;

  constructor(socket: Socket, lines: LineSplitter) {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      for (const line of lines.push(chunk)) this.#take(decodeMessage(line));
    });
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#open = false;
        for (const { reject } of this.#waiting.values()) reject(lostError());
        this.#waiting.clear();
        resolve();
      });
    });
    socket.unref();
  }

  get isOpen(): boolean {
    return this.#open;
  }

  #take(message: Message | undefined): void {
    if (message && 'event' in message) for (const listener of this.#listeners) listener(message.event);
    if (!message || !('fault' in message)) return;
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (this.#waiting.size === 0) this.#socket.unref();
    if (message.fault === null) waiting?.resolve();
    else waiting?.reject(toError(message.fault));
  }

  /** Resolves when it is done. An abort stops the waiting; what was asked for goes on. */
  async ask(request: Request, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!this.#open) throw lostError();
    this.#last += 1;
    const id = this.#last;
    let onAbort = (): void => undefined;
    const answered = new Promise<void>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
    });
    this.#socket.ref();
    this.#socket.write(encodeMessage({ id, request }));
    await answered.finally(() => signal.removeEventListener('abort', onAbort));
  }

  listen(listener: (event: RuntimeEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** Code of the error of who asked a keeper that ended before it answered. */
export const KEEPER_LOST = 'KEEPER_LOST';

function lostError(): UserError {
  return new UserError(KEEPER_LOST, 'the keeper of the project has ended', {
    exitCode: EXIT.startFailed,
    hint: 'keeper.log in the folder of the project says why, where it knew; dynamo down removes what is left',
  });
}

function toError({ code, message, hint }: Fault): Error {
  if (code === undefined) return new Error(`the keeper failed: ${message}`);
  const exitCode = code === 'NAME_TAKEN' ? EXIT.preflight : EXIT.startFailed;
  return new UserError(code, message, { exitCode, ...(hint === undefined ? {} : { hint }) });
}

/** A connection to the keeper that runs; undefined where none does. KEEPER_OLD (exit 3) for one of another version of this program. */
export async function connectKeeper(folder: string): Promise<KeeperConnection | undefined> {
  const path = socketPath(folder);
  // A long path is opened through its folder's descriptor.
  let descriptor: number | undefined;
  try {
    descriptor = isTooLong(path) ? openSync(folder, 'r') : undefined;
  } catch {
    return undefined;
  }
  const socket = createConnection(descriptor === undefined ? path : socketPath(`/proc/self/fd/${descriptor}`));
  const lines = new LineSplitter(Number.POSITIVE_INFINITY);
  try {
    const hello = await new Promise<number | undefined>((resolve) => {
      socket.on('error', () => resolve(undefined));
      socket.on('close', () => resolve(undefined));
      socket.once('data', (chunk) => {
        const [first] = lines.push(chunk).map(decodeMessage);
        resolve(first && 'hello' in first ? first.hello : undefined);
      });
    });
    if (hello === undefined) {
      socket.destroy();
      return undefined;
    }
    if (hello !== PROTOCOL) {
      socket.destroy();
      throw new UserError('KEEPER_OLD', `the keeper in ${folder} is of another version of dynamo`, {
        exitCode: EXIT.preflight,
        hint: 'take the project down with the version that brought it up, or kill the keeper',
      });
    }
    return new KeeperConnection(socket, lines);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
