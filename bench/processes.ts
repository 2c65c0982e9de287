import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findFreePort, isPortFree } from '../src/host/find-port.ts';
import { directoryFiles, hubCacheFiles } from '../src/mock/tiny-model.ts';
import type { Contender } from './contender.ts';
import { runCommand } from './run-command.ts';

const SCRIPT = fileURLToPath(new URL('start-processes.sh', import.meta.url));
const MODEL = 'local/tiny';
/** Ports that the script takes from the first one on. */
const ROW = 12;
/** Longer than a frontend of 1.4 takes to end (facts/versions.md §6). */
const ENDS_WITHIN_MS = 10_000;

export interface ProcessBench {
  /** How the program is called. */
  readonly dynamo: readonly string[];
  readonly cwd: string;
  readonly file: string;
  readonly project: string;
  /** For this bench alone. */
  readonly folder: string;
}

async function writeModel(folder: string): Promise<void> {
  const hub = Object.entries(hubCacheFiles(MODEL)).map(([path, text]) => [join('hf/hub', path), text] as const);
  for (const [path, text] of [...hub, ...Object.entries(directoryFiles(MODEL))]) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) if (alive(pid)) process.kill(pid, signal);
}

/** The first of several free ports. System ports must fit into an i16 (facts/runtime.md §1.6), so the kernel's own choice will not do. */
async function findFreeRow(): Promise<number> {
  for (;;) {
    const first = 20_000 + Math.floor(Math.random() * 12_000);
    const free = await Promise.all(Array.from({ length: ROW }, (_, at) => isPortFree('0.0.0.0', first + at)));
    if (free.every((one) => one)) return first;
  }
}

/** The graph as processes: by `dynamo up --runtime process`, and by a shell script that starts the same ones. */
export async function processContenders(bench: ProcessBench, signal: AbortSignal): Promise<readonly Contender[]> {
  const { dynamo, cwd, file, project } = bench;
  const { stdout } = await promisify(execFile)(join(cwd, 'scripts/dynamo-python'), { signal });
  const python = stdout.trim();
  const [ours, port] = [await findFreePort('127.0.0.1'), await findFreePort('127.0.0.1')];
  const free = await findFreeRow();
  const folder = join(bench.folder, 'script');
  await writeModel(folder);
  const graph = [file, '-p', project, '--port', String(ours), '--runtime', 'process', '--python', python];
  return [
    {
      name: 'process',
      url: `http://127.0.0.1:${ours}`,
      up: async (stop) => {
        await runCommand([...dynamo, 'up', '-d', ...graph, '--progress', 'quiet'], { cwd }, stop);
      },
      down: async (stop) => {
        await runCommand([...dynamo, 'down', '-p', project, '--progress', 'quiet'], { cwd }, stop);
      },
    },
    {
      name: 'script',
      url: `http://127.0.0.1:${port}`,
      up: async (stop) => {
        await runCommand([SCRIPT, python, folder, String(port), String(free)], { cwd: folder }, stop);
      },
      down: async () => {
        const pids = (await readFile(join(folder, 'pids'), 'utf8')).trim().split('\n').map(Number);
        signalAll(pids, 'SIGTERM');
        const deadline = Date.now() + ENDS_WITHIN_MS;
        while (pids.some(alive) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
        signalAll(pids, 'SIGKILL');
        await Promise.all(
          ['etcd', 'discovery'].map((name) => rm(join(folder, name), { recursive: true, force: true })),
        );
      },
    },
  ];
}
