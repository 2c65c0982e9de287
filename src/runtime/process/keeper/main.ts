import { appendFileSync, existsSync, rmdirSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { LineSplitter } from '../../line-splitter.ts';
import { makePrivateFolder } from '../container-state.ts';
import { lockName, socketPath } from '../keeper-address.ts';
import { projectFile } from '../marker.ts';
import { decodeMessage, encodeMessage, type Fault, type Message, PROTOCOL } from '../protocol.ts';
import { type Client, Keeper } from './keeper.ts';
import { KeeperFault } from './keeper-fault.ts';

/** Milliseconds that a keeper waits for somebody when nothing runs and nobody is connected. */
const IDLE_MS = 2000;
const LOOK_MS = 500;

/** Time of day with fractions of a millisecond, which never goes back. */
const now = () => performance.timeOrigin + performance.now();

/**
 * The keeper of one project: owns its processes, answers on a socket in its folder, and ends when nothing is left to keep. A second one
 * for the same folder ends at once.
 */
async function main(folder: string): Promise<void> {
  await makePrivateFolder(folder);
  process.chdir(folder);
  const note = (error: unknown) => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    appendFileSync('keeper.log', `${new Date().toISOString()} ${text}\n`, { mode: 0o600 });
  };
  process.on('uncaughtException', note);
  process.on('unhandledRejection', note);
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGPIPE'] as const) process.on(signal, () => undefined);
  const lock = createServer();
  if (!(await listen(lock, lockName(folder)))) return;
  const keeper = new Keeper(folder, now);
  await keeper.open();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serve(socket, keeper, note);
  });
  // We alone hold the lock: a socket that is here is of one that is gone.
  rmSync(socketPath('.'), { force: true });
  await listen(server, socketPath('.'));
  process.on('SIGTERM', () => {
    keeper.stopEverything().then(() => end(folder, keeper), note);
  });
  let idleSince: number | undefined;
  setInterval(() => {
    const idle = sockets.size === 0 && !keeper.isBusy;
    idleSince = idle ? (idleSince ?? performance.now()) : undefined;
    const long = idleSince !== undefined && performance.now() - idleSince >= IDLE_MS;
    if (long || (idle && keeper.removed)) end(folder, keeper);
  }, LOOK_MS);
}

/** False when somebody else listens there. */
function listen(server: Server, path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => ('code' in error && error.code === 'EADDRINUSE' ? resolve(false) : reject(error)));
    server.listen(path, () => resolve(true));
  });
}

function end(folder: string, keeper: Keeper): never {
  rmSync(socketPath('.'), { force: true });
  const made = existsSync(projectFile('.'));
  if (!made && (keeper.removed || keeper.isEmpty)) {
    rmSync('keeper.log', { force: true });
    for (const rest of ['containers', 'scratch', 'volumes', '.']) {
      try {
        rmdirSync(join(folder, rest));
      } catch {
        // It holds something that stays: volumes of claims.
      }
    }
  }
  process.exit(0);
}

function serve(socket: Socket, keeper: Keeper, note: (error: unknown) => void): void {
  const send = (message: Message) => {
    if (!socket.destroyed) socket.write(encodeMessage(message));
  };
  const client: Client = { send: (event) => send({ event }), subscribed: false, holds: false };
  keeper.join(client);
  send({ hello: PROTOCOL });
  const lines = new LineSplitter(Number.POSITIVE_INFINITY);
  socket.on('data', (chunk) => {
    for (const line of lines.push(chunk)) {
      const message = decodeMessage(line);
      if (!message || !('request' in message)) continue;
      keeper.answer(message.request, client).then(
        () => send({ id: message.id, fault: null }),
        (error: unknown) => {
          if (!(error instanceof KeeperFault)) note(error);
          send({ id: message.id, fault: faultOf(error) });
        },
      );
    }
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    keeper.leave(client).catch(note);
  });
}

function faultOf(error: unknown): Fault {
  if (error instanceof KeeperFault) return { code: error.code, message: error.message, hint: error.hint };
  return { code: undefined, message: error instanceof Error ? error.message : String(error), hint: undefined };
}

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('a keeper is given the folder of its project');
void main(folder);
