import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Docker from 'dockerode';

export const BASE_IMAGE = 'debian:bookworm-slim';
const PULL_TIMEOUT_MS = 15_000;

async function hasImage(docker: Docker): Promise<boolean> {
  return docker
    .getImage(BASE_IMAGE)
    .inspect()
    .then(
      () => true,
      () => false,
    );
}

/** True when a registry answered with the image within the time. */
async function pull(docker: Docker): Promise<boolean> {
  const signal = AbortSignal.timeout(PULL_TIMEOUT_MS);
  try {
    const stream = await docker.pull(BASE_IMAGE, { abortSignal: signal });
    // A registry that answers may take its time with the layers.
    return await new Promise<boolean>((resolve) => {
      docker.modem.followProgress(stream, (error) => resolve(error === null));
    });
  } catch {
    return false;
  }
}

function run(command: string, args: readonly string[], options: { readonly stdio?: 'ignore' } = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: options.stdio ?? ['ignore', 'ignore', 'inherit'] });
    child.once('error', reject);
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`${command} ${args[0] ?? ''} ended with ${code}`)),
    );
  });
}

async function importRootfs(docker: Docker, folder: string): Promise<void> {
  const tar = spawn('tar', ['-C', folder, '-c', '.'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const stream = await docker.importImage(tar.stdout, { fromSrc: '-', repo: 'debian', tag: 'bookworm-slim' });
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(stream, (error) => (error ? reject(error) : resolve()));
  });
}

/** The Debian base of all images: the one that is here, else a registry's, else one that debootstrap makes from Debian's packages. */
export async function ensureBaseImage(docker: Docker, say: (text: string) => void): Promise<void> {
  if (await hasImage(docker)) return;
  say(`pulling ${BASE_IMAGE}`);
  if ((await pull(docker)) && (await hasImage(docker))) return;
  if (!existsSync('/usr/sbin/debootstrap')) {
    if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get') || process.env.DYNAMO_NO_INSTALL === '1') {
      throw new Error(
        `no registry answered for ${BASE_IMAGE}, and debootstrap is not here to make it: docker pull ${BASE_IMAGE} once, or install debootstrap`,
      );
    }
    say('no registry answered: installing debootstrap to make the base image from Debian packages');
    await run('apt-get', ['-qq', 'update'], { stdio: 'ignore' });
    await run('apt-get', ['-qq', 'install', '-y', '--no-install-recommends', 'debootstrap'], { stdio: 'ignore' });
  }
  say(`making ${BASE_IMAGE} with debootstrap`);
  const folder = await mkdtemp(join(tmpdir(), 'dynamo-base-'));
  try {
    await run('debootstrap', ['--variant=minbase', '--include=ca-certificates', 'bookworm', folder], {
      stdio: 'ignore',
    });
    await rm(join(folder, 'var/cache/apt/archives'), { recursive: true, force: true });
    await importRootfs(docker, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
