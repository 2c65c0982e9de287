import { access, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from './run-command.ts';

export interface FoundCompose {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
}

/** Debian 13's own: docker-compose 2.26, which runs on Debian 12 and on Ubuntu 22.04 too (it needs a libc of 2.34). */
const DEBIAN_SUITE = 'deb http://deb.debian.org/debian trixie main\n';

async function tryCompose(
  command: readonly string[],
  env: FoundCompose['env'],
  signal: AbortSignal,
): Promise<FoundCompose | undefined> {
  try {
    const version = (await runCommand([...command, 'version', '--short'], { cwd: tmpdir(), env }, signal)).trim();
    // The first docker-compose, in Python, knows no --wait.
    return /^v?1\./.test(version) ? undefined : { command, env, version };
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

/** Puts the program into `target`; package lists and package stay in a folder that goes. */
async function fetchCompose(target: string, signal: AbortSignal): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'dynamo-bench-compose-'));
  try {
    const lists = join(folder, 'lists');
    await mkdir(join(lists, 'partial'), { recursive: true });
    await writeFile(join(folder, 'sources.list'), DEBIAN_SUITE);
    const options = [
      `Dir::Etc::sourcelist=${join(folder, 'sources.list')}`,
      'Dir::Etc::sourceparts=-',
      `Dir::State::Lists=${lists}`,
      `Dir::Cache::pkgcache=${join(folder, 'packages.bin')}`,
      `Dir::Cache::srcpkgcache=${join(folder, 'sources.bin')}`,
      'APT::Sandbox::User=',
    ].flatMap((option) => ['-o', option]);
    await runCommand(['apt-get', ...options, 'update'], { cwd: folder }, signal);
    await runCommand(['apt-get', ...options, 'download', 'docker-compose'], { cwd: folder }, signal);
    await runCommand(['sh', '-c', 'dpkg-deb -x docker-compose_*.deb package'], { cwd: folder }, signal);
    await mkdir(join(target, '..'), { recursive: true });
    await copyFile(join(folder, 'package/usr/libexec/docker/cli-plugins/docker-compose'), target);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** `docker compose` of this machine, else one that was or is fetched into the user's cache; else why there is none. */
export async function findCompose(
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<FoundCompose | { readonly problem: string }> {
  const installed = await tryCompose(['docker', 'compose'], process.env, signal);
  if (installed) return installed;
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'dynamo', 'docker-config');
  const plugin = join(cache, 'cli-plugins', 'docker-compose');
  const here = await access(plugin).then(
    () => true,
    () => false,
  );
  try {
    if (!here) {
      say('docker compose is not installed: fetching the one of Debian 13 into the user’s cache');
      await fetchCompose(plugin, signal);
    }
  } catch (error) {
    signal.throwIfAborted();
    return { problem: `docker compose is not installed and cannot be fetched (${firstLine(error)})` };
  }
  const fetched =
    (await tryCompose(['docker', 'compose'], { ...process.env, DOCKER_CONFIG: cache }, signal)) ??
    (await tryCompose([plugin], process.env, signal));
  return fetched ?? { problem: `${plugin} does not run on this machine` };
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}
