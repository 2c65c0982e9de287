import { createHash } from 'node:crypto';
import { connect, createServer, type Server } from 'node:net';
import type { Clock } from '../model/clock.ts';

export interface LockOptions {
  /** What is locked, e.g. `project/agg@unix:///var/run/docker.sock`. */
  readonly name: string;
  /** What the holder tells others who ask: `dynamo up agg.yaml (pid 4711)`. */
  readonly holder: string;
  readonly clock: Clock;
  /** Called once, with what the holder said, when somebody else has it. */
  readonly onWait: (holder: string) => void;
}

/** An abstract socket has no file: the kernel frees its name the moment its holder dies, however it dies. */
function socketName(name: string): string {
  return `\0dynamo-${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;
}

function listen(path: string, holder: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end(holder);
    });
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    server.listen({ path }, () => {
      server.unref();
      resolve(server);
    });
  });
}

/** What the holder says of itself; a holder that is just going says nothing. */
function askHolder(path: string): Promise<string> {
  return new Promise((resolve) => {
    let said = '';
    const socket = connect({ path, timeout: 1000 });
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      said += chunk;
    });
    socket.on('timeout', () => socket.destroy());
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(said));
  });
}

/** Waits until nobody else holds the name, then holds it until disposed or until this process dies. */
export async function acquireLock(options: LockOptions, signal: AbortSignal): Promise<AsyncDisposable> {
  const path = socketName(options.name);
  let told = false;
  for (;;) {
    signal.throwIfAborted();
    const server = await listen(path, options.holder);
    if (server) {
      return {
        [Symbol.asyncDispose]: () =>
          new Promise<void>((resolve) => {
            server.close(() => resolve());
          }),
      };
    }
    if (!told) {
      told = true;
      options.onWait((await askHolder(path)) || 'another dynamo');
    }
    await options.clock.sleep(100, signal);
  }
}
