import { rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { EXIT, UserError } from '../model/diagnostic.ts';
import { lockAddress } from './lock-address.ts';

export interface AcquireLockOptions {
  /** Everything that makes the locked thing unique: user, engine, project. */
  readonly name: string;
  /** What the holder does, told to whoever waits: `dynamo up agg.yaml`. Must hold no secret. */
  readonly purpose: string;
  /** False: throws `LOCKED` at once when somebody else holds it. */
  readonly wait: boolean;
  /** Called once for each holder that is waited for. */
  readonly onWait?: (holder: LockHolder) => void;
  /** Only tests set it. */
  readonly platform?: NodeJS.Platform;
}

export interface LockHolder {
  /** Undefined when the holder did not say. */
  readonly pid: number | undefined;
  readonly purpose: string;
}

/** Milliseconds between looks at a holder that cannot be asked. */
const RETRY_MS = 50;
/** A holder says who it is as soon as it is free to; this long is waited for it. */
const ANSWER_MS = 500;
const UNKNOWN_HOLDER: LockHolder = { pid: undefined, purpose: 'another dynamo' };

/** The name under which `up`, `down` and `restart` of one project exclude each other. */
export function projectLockName(engine: string, project: string): string {
  return `${process.getuid?.() ?? 0}/${engine}/project/${project}`;
}

/** The name under which all projects of an engine choose their GPUs one after another. */
export function gpuLockName(engine: string): string {
  return `${process.getuid?.() ?? 0}/${engine}/gpus`;
}

/**
 * Takes an exclusive lock of this machine: a listening socket, which the kernel frees when the process ends in whatever way.
 * It never keeps the process alive. Throws `LOCKED` (exit 3) when it is held and `wait` is false; rejects when `signal` is aborted.
 */
export async function acquireLock(options: AcquireLockOptions, signal: AbortSignal): Promise<AsyncDisposable> {
  const address = lockAddress(options.name, options.platform ?? process.platform);
  let told: string | undefined;
  for (;;) {
    signal.throwIfAborted();
    const held = await listen(address, { pid: process.pid, purpose: options.purpose });
    if (held) return held;
    const visit = await visitHolder(address, signal);
    if (visit.kind === 'gone') {
      if (!address.startsWith('\0')) rmSync(address, { force: true });
      else await delay(RETRY_MS, undefined, { signal });
      continue;
    }
    const holder = visit.holder;
    if (!options.wait) {
      visit.socket.destroy();
      throw new UserError('LOCKED', `${describeHolder(holder)} is at work on it`, {
        exitCode: EXIT.preflight,
        hint: 'wait until it ends, or stop it',
      });
    }
    if (told !== describeHolder(holder)) options.onWait?.(holder);
    told = describeHolder(holder);
    await untilClosed(visit.socket, signal);
  }
}

/** `dynamo up agg.yaml (pid 4711)` */
export function describeHolder(holder: LockHolder): string {
  return holder.pid === undefined ? holder.purpose : `${holder.purpose} (pid ${holder.pid})`;
}

/** The held lock, or undefined when the address is taken. */
function listen(address: string, self: LockHolder): Promise<AsyncDisposable | undefined> {
  const visitors = new Set<Socket>();
  const server = createServer((socket) => {
    visitors.add(socket);
    socket.unref();
    socket.on('error', () => undefined);
    socket.once('close', () => visitors.delete(socket));
    socket.write(`${JSON.stringify(self)}\n`);
  });
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      if ('code' in error && error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen({ path: address }, () => {
      server.unref();
      resolve({ [Symbol.asyncDispose]: () => release(server, visitors) });
    });
  });
}

/** Whoever waits learns of it by the end of its connection, after the address is free. */
function release(server: Server, visitors: ReadonlySet<Socket>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    for (const socket of visitors) socket.destroy();
  });
}

type Visit =
  | { readonly kind: 'gone' }
  | { readonly kind: 'held'; readonly holder: LockHolder; readonly socket: Socket };

/** Connects to the holder and lets it say who it is; the connection ends when the holder does. */
function visitHolder(address: string, signal: AbortSignal): Promise<Visit> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path: address });
    let said = '';
    const timer = setTimeout(() => end({ kind: 'held', holder: UNKNOWN_HOLDER, socket }), ANSWER_MS);
    const onAbort = () => {
      clearTimeout(timer);
      socket.destroy();
      reject(signal.reason);
    };
    const end = (visit: Visit) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      resolve(visit);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('error', () => undefined);
    socket.once('close', () => end({ kind: 'gone' }));
    socket.on('data', (chunk: Buffer) => {
      said += chunk.toString('utf8').slice(0, 4096);
      if (said.includes('\n')) end({ kind: 'held', holder: parseHolder(said), socket });
    });
  });
}

function parseHolder(line: string): LockHolder {
  try {
    const said: unknown = JSON.parse(line);
    if (typeof said !== 'object' || said === null) return UNKNOWN_HOLDER;
    const pid = 'pid' in said && typeof said.pid === 'number' ? said.pid : undefined;
    const purpose = 'purpose' in said && typeof said.purpose === 'string' ? said.purpose : UNKNOWN_HOLDER.purpose;
    return { pid, purpose: purpose.replace(/\p{Cc}/gu, ' ').slice(0, 200) };
  } catch {
    return UNKNOWN_HOLDER;
  }
}

function untilClosed(socket: Socket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      socket.destroy();
      reject(signal.reason);
    };
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    const end = () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    };
    if (socket.destroyed) return end();
    socket.once('close', end);
    socket.resume();
  });
}
