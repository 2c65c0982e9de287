import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parseEnv } from 'node:util';
import type Docker from 'dockerode';
import { pack } from 'tar-stream';
import { LABEL } from '../../../src/model/labels.ts';

/** `user:s3cret`, in the one form that docker-registry reads. */
const HTPASSWD = 'user:$2b$04$6VBH8TWT9Hu8m9PrcCaoB.fjb8ewoOF9dFxt7XYrVrOrTEy0qXZQa\n';
export const LOGIN = { username: 'user', password: 's3cret' };

/** Debian's docker-registry behind a password, published on loopback (which engines take without TLS). */
export interface RealRegistry extends AsyncDisposable {
  readonly host: string;
  /** An image that the registry has and the engine has not. */
  readonly image: string;
}

async function registryImage(): Promise<string> {
  const names = parseEnv(await readFile(new URL('../../../compose/.env', import.meta.url), 'utf8'));
  if (!names.DYNAMO_REGISTRY_IMAGE) throw new Error('compose/.env names no registry: run scripts/bootstrap');
  return names.DYNAMO_REGISTRY_IMAGE;
}

function archiveOf(name: string, content: string | Buffer): NodeJS.ReadableStream {
  const archive = pack();
  archive.entry({ name }, content);
  archive.finalize();
  return archive;
}

function finish(docker: Docker, stream: NodeJS.ReadableStream): Promise<void> {
  return new Promise((resolve, reject) => {
    docker.modem.followProgress(stream, (error, events: { readonly error?: string }[] | null) => {
      const failed = error?.message ?? events?.find((event) => event.error !== undefined)?.error;
      if (failed === undefined) resolve();
      else reject(new Error(failed));
    });
  });
}

/** Pushes an image of one file into the registry; until it listens, the engine's push is refused. */
async function pushImage(docker: Docker, host: string): Promise<string> {
  const repo = `${host}/team/app`;
  await finish(docker, await docker.importImage(archiveOf('file', randomBytes(200_000)), { repo, tag: '1' }));
  const image = docker.getImage(`${repo}:1`);
  const authconfig = { ...LOGIN, serveraddress: host };
  for (let attempt = 1; ; attempt += 1) {
    try {
      await finish(docker, await image.push({ authconfig }));
      break;
    } catch (error) {
      if (attempt === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  await image.remove({ force: true });
  return `${repo}:1`;
}

/** Starts a registry of its own for a test; the container goes with `project`, and before it. */
export async function startRealRegistry(docker: Docker, project: string): Promise<RealRegistry> {
  const container = await docker.createContainer({
    Image: await registryImage(),
    Labels: { [LABEL.project]: project },
    Env: ['REGISTRY_AUTH_HTPASSWD_PATH=/htpasswd', 'REGISTRY_AUTH_HTPASSWD_REALM=test'],
    ExposedPorts: { '5000/tcp': {} },
    HostConfig: { PortBindings: { '5000/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] } },
  });
  const dispose = () => container.remove({ force: true, v: true }).then(() => undefined);
  try {
    await container.putArchive(archiveOf('htpasswd', HTPASSWD), { path: '/' });
    await container.start();
    const { NetworkSettings } = await container.inspect();
    const host = `127.0.0.1:${NetworkSettings.Ports['5000/tcp']?.[0]?.HostPort ?? '0'}`;
    return { host, image: await pushImage(docker, host), [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}
