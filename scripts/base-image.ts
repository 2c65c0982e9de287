import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import type Docker from 'dockerode';

const BASE_IMAGE = 'debian:bookworm-slim';
const SUITE = 'bookworm';
/** Stands for the base in the hash of every recipe. */
export const BASE_RECIPE = `${BASE_IMAGE} 1`;
/** How long a registry may take to begin; none answers on a machine without one. */
const REGISTRY_TIMEOUT_MS = 10_000;
const STALLED_TIMEOUT_MS = 60_000;
/** What the published slim image leaves out too: read by people, or made again by `apt-get update`. */
const LEFT_OUT = [
  './usr/share/doc/*',
  './usr/share/man/*',
  './usr/share/info/*',
  './usr/share/locale/*',
  './var/cache/*',
  './var/lib/apt/lists/*',
  './var/log/*',
] as const;

type Say = (text: string) => void;

function hasImage(docker: Docker): Promise<boolean> {
  return docker
    .getImage(BASE_IMAGE)
    .inspect()
    .then(
      () => true,
      () => false,
    );
}

/** True when a registry delivered the image. The engine itself may try for minutes: silence ends it. */
async function pull(docker: Docker): Promise<boolean> {
  const abort = new AbortController();
  let timer = setTimeout(() => abort.abort(), REGISTRY_TIMEOUT_MS);
  try {
    const stream = await docker.pull(BASE_IMAGE, { abortSignal: abort.signal });
    return await new Promise<boolean>((resolve) => {
      abort.signal.addEventListener('abort', () => resolve(false));
      docker.modem.followProgress(
        stream,
        (error) => resolve(error === null),
        () => {
          clearTimeout(timer);
          timer = setTimeout(() => abort.abort(), STALLED_TIMEOUT_MS);
        },
      );
    });
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}

/** Runs a program whose output matters only when it fails. */
function run(command: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
    let tail = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data: Buffer) => {
        tail = (tail + data.toString()).slice(-2000);
      });
    }
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} ${args.join(' ')} ended with ${code}\n${tail}`));
    });
  });
}

async function importRootfs(docker: Docker, folder: string): Promise<void> {
  const exclude = LEFT_OUT.map((pattern) => `--exclude=${pattern}`);
  const tar = spawn('tar', ['-C', folder, ...exclude, '-c', '.'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [repo = '', tag = ''] = BASE_IMAGE.split(':');
  const stream = await docker.importImage(tar.stdout, {
    fromSrc: '-',
    repo,
    tag,
    message: 'made by debootstrap',
    changes: ['CMD ["bash"]', 'LABEL dynamo.base=debootstrap'],
  });
  stream.resume();
  await finished(stream);
  if (!(await hasImage(docker))) throw new Error(`the engine did not accept ${BASE_IMAGE}`);
}

async function installDebootstrap(say: Say): Promise<void> {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get') || process.env.DYNAMO_NO_INSTALL === '1') {
    throw new Error(
      `${BASE_IMAGE} is missing, no registry delivered it, and debootstrap is not here to make it.\n` +
        `Run "docker pull ${BASE_IMAGE}", or "apt-get install debootstrap" as root, and try again.`,
    );
  }
  say('installing debootstrap');
  await run('apt-get', ['-q', 'update']);
  // The keyring: Ubuntu has another one, and Debian's packages shall be verified there too.
  const packages = ['debootstrap', 'debian-archive-keyring', 'gpgv'];
  await run('apt-get', ['-q', 'install', '-y', '--no-install-recommends', ...packages]);
}

/** The Debian base of all images: the one that is here, else a registry's, else one made from Debian's packages. */
export async function ensureBaseImage(docker: Docker, say: Say): Promise<void> {
  if (await hasImage(docker)) return;
  say(`pulling ${BASE_IMAGE}`);
  if ((await pull(docker)) && (await hasImage(docker))) return;
  say(`no registry delivered ${BASE_IMAGE}: making it from Debian's packages, about 40 s`);
  if (!existsSync('/usr/sbin/debootstrap')) await installDebootstrap(say);
  if (process.getuid?.() !== 0)
    throw new Error(`${BASE_IMAGE} can be made as root only; or run "docker pull ${BASE_IMAGE}"`);
  const folder = await mkdtemp(join(tmpdir(), 'dynamo-base-'));
  try {
    await run('/usr/sbin/debootstrap', ['--variant=minbase', '--include=ca-certificates', SUITE, folder]);
    await importRootfs(docker, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
