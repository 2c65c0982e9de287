import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** The interpreter that has ai-dynamo, which scripts/bootstrap leaves on the machine. */
export const PYTHON = execFileSync(join(ROOT, 'scripts/dynamo-python'), { encoding: 'utf8' }).trim();

/** What every PATH must have: a shell and what scripts of tests call. No etcd, no NATS, no Docker. */
const PROGRAMS = ['sh', 'bash', 'env', 'sleep', 'cat', 'ls', 'node', 'stat', 'grep', 'sed', 'dirname', 'curl', 'seq'];

function which(program: string): string {
  return execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim();
}

function makeFolder(name: string, programs: Readonly<Record<string, string>>): string {
  const folder = join(tmpdir(), `dynamo-test-${name}-${process.pid}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [program, path] of Object.entries(programs)) symlinkSync(path, join(folder, program));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A PATH without servers. */
export const BARE_PATH = makeFolder('bare', Object.fromEntries(PROGRAMS.map((name) => [name, which(name)])));

/** What scripts/bootstrap calls, and no Python. */
export const NO_PYTHON_PATH = makeFolder(
  'no-python',
  Object.fromEntries(
    [...PROGRAMS, 'id', 'cksum', 'find', 'npm', 'flock', 'touch', 'mkdir', 'uname'].map((name) => [name, which(name)]),
  ),
);

/** etcd and nats-server out of the images that scripts/bootstrap builds: the machine need not have them. */
function extractServers(): string {
  const images = parseEnv(readFileSync(join(ROOT, 'compose/.env'), 'utf8'));
  const folder = join(tmpdir(), 'dynamo-test-servers');
  mkdirSync(folder, { recursive: true });
  for (const [image, path] of [
    [images.DYNAMO_ETCD_IMAGE, '/usr/bin/etcd'],
    [images.DYNAMO_NATS_IMAGE, '/usr/sbin/nats-server'],
  ] as const) {
    const file = join(folder, path.split('/').at(-1) ?? '');
    if (existsSync(file)) continue;
    const id = execFileSync('docker', ['create', image ?? ''], { encoding: 'utf8' }).trim();
    try {
      execFileSync('docker', ['cp', '-L', `${id}:${path}`, file]);
    } finally {
      execFileSync('docker', ['rm', id]);
    }
  }
  return folder;
}

/** A PATH with etcd and nats-server. */
export function serverPath(): string {
  return `${extractServers()}:${BARE_PATH}`;
}

/** Processes of this machine that have the folder of a project's containers in their environment, or in their command line (its keeper). */
export function processesOf(project: string): readonly string[] {
  const mark = `/dynamo/processes/${project}`;
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return [];
    try {
      const text = readFileSync(`/proc/${pid}/environ`, 'latin1') + readFileSync(`/proc/${pid}/cmdline`, 'latin1');
      const whole = text.split('\0').some((entry) => entry.endsWith(mark) || entry.includes(`${mark}/containers/`));
      return whole ? [`${pid} ${readlinkSync(`/proc/${pid}/exe`)}`] : [];
    } catch {
      return [];
    }
  });
}
