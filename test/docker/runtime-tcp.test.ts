import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { findEngine } from '../../src/runtime/docker/connect-engine.ts';
import { startTestProject } from './support/test-project.ts';

/** The engine's socket on a port of loopback. */
class TcpDoor implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets: ReadonlySet<Socket>;
  readonly port: number;

  constructor(server: Server, sockets: ReadonlySet<Socket>, port: number) {
    this.#server = server;
    this.#sockets = sockets;
    this.port = port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Connections that are kept alive would hold it open.
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

async function openDoor(host: string): Promise<TcpDoor> {
  const engine = await findEngine(process.env);
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const inner = createConnection(
      'socketPath' in engine ? { path: engine.socketPath, allowHalfOpen: true } : { ...engine, allowHalfOpen: true },
    );
    sockets.add(socket);
    socket.pipe(inner).pipe(socket);
    socket.on('error', () => inner.destroy());
    inner.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const address = server.address();
  return new TcpDoor(server, sockets, typeof address === 'object' && address ? address.port : 0);
}

test.each([
  ['127.0.0.1', '127.0.0.1'],
  ['::1', '[::1]'],
])('an engine that listens on loopback (%s) serves as well as one on a socket', async (host, written) => {
  await using door = await openDoor(host);
  await using project = await startTestProject({ env: { DOCKER_HOST: `tcp://${written}:${door.port}` } });
  const { runtime, signal, name } = project;
  const worker = project.container('worker', 'echo up; sleep 60');
  await project.run(worker);
  expect((await runtime.observe(name, [], signal)).containers).toHaveLength(1);
  expect(await runtime.exec(worker.name, ['echo', 'inside'], signal)).toEqual({ exitCode: 0, output: 'inside\n' });
  for await (const { line } of runtime.logs(worker.name, { follow: true }, signal)) {
    expect(line).toBe('up');
    break;
  }
  await runtime.removeContainer(worker.name, signal);
});
