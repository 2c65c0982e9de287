import { PassThrough } from 'node:stream';
import type Docker from 'dockerode';
import type { RunInContainer } from '../../model/locked-container.ts';
import { connectEngine, type Environment, findEngine } from './connect-engine.ts';
import { callEngine } from './engine-errors.ts';
import { pullImage } from './pull-image.ts';

/** Images that have bash and the coreutils; the first also runs inline Python. Any of them that is here does. */
const ROOM_IMAGES = ['python:3.12-slim-bookworm', 'debian:bookworm-slim'] as const;
/** Threads count too: the room's own watch ends a script before the kernel refuses it a process. */
const PIDS_PER_PROCESS = 2;

/**
 * A room for launch scripts on this engine. The image is `image`, else one of ROOM_IMAGES that is here, else the first of them, pulled.
 * Nothing is asked before the room is used.
 */
export function createContainerRoom(env: Environment, image: string | undefined): RunInContainer {
  return async (room, signal) => {
    const docker = await connectEngine(await findEngine(env));
    const chosen = await chooseImage(docker, env, image, signal);
    const container = await callEngine({ what: 'room of the script', signal }, () =>
      docker.createContainer({
        Image: chosen,
        Entrypoint: [...room.command],
        Cmd: [],
        User: room.user,
        NetworkDisabled: true,
        AttachStdout: true,
        HostConfig: {
          NetworkMode: 'none',
          CapDrop: ['ALL'],
          SecurityOpt: ['no-new-privileges'],
          Memory: room.memoryBytes,
          PidsLimit: room.processes * PIDS_PER_PROCESS,
          Binds: room.mounts.map(({ source, path, readOnly }) => `${source}:${path}${readOnly ? ':ro' : ''}`),
          Tmpfs: Object.fromEntries(room.tmpfs.map(({ path, bytes }) => [path, `rw,exec,mode=1777,size=${bytes}`])),
        },
      }),
    );
    const end = () => void container.kill().catch(() => undefined);
    signal.addEventListener('abort', end, { once: true });
    try {
      signal.throwIfAborted();
      return await callEngine({ what: 'room of the script', signal }, () => runToItsEnd(docker, container));
    } finally {
      signal.removeEventListener('abort', end);
      await container.remove({ force: true, v: true });
    }
  };
}

async function runToItsEnd(
  docker: Docker,
  container: Docker.Container,
): Promise<{ readonly exitCode: number; readonly stdout: Uint8Array }> {
  const stream = await container.attach({ stream: true, stdout: true, stderr: true });
  const chunks: Buffer[] = [];
  const stdout = new PassThrough();
  stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  docker.modem.demuxStream(stream, stdout, new PassThrough().resume());
  const drained = new Promise((resolve) => stream.once('close', resolve));
  await container.start();
  const { StatusCode } = await container.wait();
  await drained;
  return { exitCode: StatusCode, stdout: Buffer.concat(chunks) };
}

async function chooseImage(
  docker: Docker,
  env: Environment,
  wanted: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  const candidates = wanted === undefined ? ROOM_IMAGES : [wanted];
  for (const image of candidates) {
    signal.throwIfAborted();
    const here = await docker
      .getImage(image)
      .inspect()
      .then(
        () => true,
        () => false,
      );
    if (here) return image;
  }
  const image = candidates[0] ?? ROOM_IMAGES[0];
  await pullImage(docker, image, { env, onProgress: () => undefined }, signal);
  return image;
}
