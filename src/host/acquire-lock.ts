import { rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../model/clock.ts';
import { EXIT, UserError } from '../model/diagnostic.ts';
import { lockAddress } from './lock-address.ts';

export interface LockOptions {
  /** What is locked, e.g. `project/agg@unix:///var/run/docker.sock`. Locks of two users never meet, unless `ofMachine`. */
  readonly name: string;
  /** It is about something that all users of the machine share. */
  readonly ofMachine?: boolean;
  /** What the holder tells others who ask: `dynamo up agg.yaml (pid 4711)`. It holds no secret. */
  readonly holder: string;
  readonly clock: Clock;
  /** False: somebody else's lock is an error and not waited for. Default true. */
  readonly wait?: boolean;
  /** Called with what the holder says, once for each holder, when somebody else has it. */
  readonly onWait?: (holder: string) => void;
  /** What is asked of the holder while it is waited for: one word, as `leave`. */
  readonly ask?: string;
  /** Called with what somebody who waits asks, and who it is. */
  readonly onAsked?: (asked: string, asker: string) => void;
  /** Only tests set it. */
  readonly platform?: NodeJS.Platform;
}

/** Milliseconds until a holder that is just going is looked at again. */
const RETRY_MS = 20;
/** A busy holder says who it is as soon as it can; this long is waited for that. */
const ANSWER_MS = 1000;
const UNKNOWN_HOLDER = 'another dynamo';

/**
 * Holds a name of this machine until disposed, or until this process dies in whatever way: it is a listening socket, which the kernel
 * frees. Whoever waits is connected to it, so it learns at once that the lock is free. The lock does not keep the process alive.
 * Throws LOCKED (exit 3) when `wait` is false and somebody has it; rejects when `signal` is aborted.
 */
export async function acquireLock(options: LockOptions, signal: AbortSignal): Promise<AsyncDisposable> {
  const owner = options.ofMachine ? '' : `${process.getuid?.() ?? ''}/`;
  const address = lockAddress(`${owner}${options.name}`, options.platform ?? process.platform);
  let told: string | undefined;
  for (;;) {
    signal.throwIfAborted();
    const held = await listen(address, options);
    if (held) return held;
    const visit = await visitHolder(address, signal);
    if (!visit) {
      // Nobody answers there: a holder that is just going, or the file that a killed one left behind.
      if (address.startsWith('/')) await rm(address, { force: true });
      else await options.clock.sleep(RETRY_MS, signal);
      continue;
    }
    if (options.wait === false) {
      visit.socket.destroy();
      throw new UserError('LOCKED', `${visit.holder} is at work on it`, {
        exitCode: EXIT.preflight,
        hint: 'wait until it ends, or stop it',
      });
    }
    if (told !== visit.holder) options.onWait?.(visit.holder);
    told = visit.holder;
    if (options.ask !== undefined) visit.socket.write(`${options.ask} ${oneLine(options.holder)}\n`);
    await untilClosed(visit.socket, signal);
  }
}

/** The lock, or undefined when the address is taken. */
function listen(
  address: string,
  { holder, onAsked }: Pick<LockOptions, 'holder' | 'onAsked'>,
): Promise<AsyncDisposable | undefined> {
  const visitors = new Set<Socket>();
  const server = createServer((socket) => {
    visitors.add(socket);
    socket.unref();
    socket.on('error', () => undefined);
    socket.once('close', () => visitors.delete(socket));
    socket.write(`${oneLine(holder)}\n`);
    readLine(socket, (line) => {
      const [asked = '', ...asker] = line.split(' ');
      if (asked !== '') onAsked?.(asked, asker.join(' ') || UNKNOWN_HOLDER);
    });
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

/** The address is free before the connections of those who wait end. */
function release(server: Server, visitors: ReadonlySet<Socket>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    for (const socket of visitors) socket.destroy();
  });
}

interface Visit {
  readonly holder: string;
  /** Ends when the holder lets go or dies. */
  readonly socket: Socket;
}

/** Connects to the holder and lets it say who it is; undefined when nobody is there any more. */
function visitHolder(address: string, signal: AbortSignal): Promise<Visit | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path: address });
    const end = (visit: Visit | undefined) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      resolve(visit);
    };
    const timer = setTimeout(() => end({ holder: UNKNOWN_HOLDER, socket }), ANSWER_MS);
    const onAbort = () => {
      clearTimeout(timer);
      socket.destroy();
      reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('error', () => undefined);
    socket.once('close', () => end(undefined));
    readLine(socket, (line) => end({ holder: line || UNKNOWN_HOLDER, socket }));
  });
}

/** Calls back with the first line. What came over a socket goes to a terminal: short, and nothing that steers it. */
function readLine(socket: Socket, onLine: (line: string) => void): void {
  let said = '';
  const onData = (chunk: Buffer) => {
    said = `${said}${chunk.toString('utf8')}`.slice(0, 4096);
    if (!said.includes('\n')) return;
    said = said.slice(0, said.indexOf('\n'));
    socket.off('data', onData).resume();
    onLine(
      said
        .replace(/\p{Cc}/gu, ' ')
        .trim()
        .slice(0, 200),
    );
  };
  socket.on('data', onData);
}

function oneLine(text: string): string {
  return text.replaceAll('\n', ' ');
}

function untilClosed(socket: Socket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    };
    const onAbort = () => {
      socket.destroy();
      reject(signal.reason);
    };
    if (signal.aborted) return onAbort();
    if (socket.destroyed) return end();
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('close', end);
  });
}
