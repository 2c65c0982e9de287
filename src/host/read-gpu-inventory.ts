import type { Gpu, GpuInventory, GpuProcess, GpuTopology } from '../model/host-inventory.ts';
import { parseGpuTopology } from './parse-gpu-topology.ts';
import {
  describeSmiFailure,
  GPU_COLUMNS,
  PROCESS_COLUMNS,
  parseGpuProcesses,
  parseGpus,
  parseMigSlices,
} from './parse-nvidia-smi.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Milliseconds that a query may take: without persistence mode the first one loads the driver, which takes seconds. */
const TIMEOUT_MS = 30_000;

/** Where WSL2 puts the program; it is not on every PATH there. */
const WSL_PROGRAM = '/usr/lib/wsl/lib/nvidia-smi';

const CSV = '--format=csv,noheader,nounits';

type Answer =
  | { readonly kind: 'output'; readonly text: string }
  | { readonly kind: 'failed'; readonly problem: string; readonly text: string }
  | { readonly kind: 'missing' };

/**
 * The GPUs of this machine (`env` says by its PATH where `nvidia-smi` is) and what runs on them, by three queries at once. No program, no driver and no GPU are no errors: `problem`
 * says which; it is also set when some GPU is lost, beside those that are left. Rejects only when `signal` is aborted.
 */
export async function readGpuInventory(
  env: Environment,
  signal: AbortSignal,
  timeoutMs = TIMEOUT_MS,
): Promise<GpuInventory> {
  const first = await queryAll('nvidia-smi', { env, timeoutMs }, signal);
  const [gpus, processes, list] =
    first[0].kind === 'missing' ? await queryAll(WSL_PROGRAM, { env, timeoutMs }, signal) : first;
  if (gpus.kind === 'missing') {
    return {
      gpus: [],
      driverVersion: undefined,
      problem: 'nvidia-smi is not installed: no NVIDIA driver on this machine',
    };
  }
  const parsed = parseGpus(gpus.text);
  const held = parseGpuProcesses(processes.kind === 'output' ? processes.text : '');
  const none = 'the NVIDIA driver finds no GPU';
  const complaint = parsed.complaints.length > 0 ? describeSmiFailure(parsed.complaints.join('\n')) : undefined;
  return {
    gpus: parsed.gpus.map((gpu) => withSlices({ ...gpu, processes: held.get(gpu.uuid) ?? [] }, list, held)),
    driverVersion: parsed.driverVersion,
    problem:
      gpus.kind === 'failed'
        ? gpus.problem
        : (complaint ??
          (parsed.gpus.length === 0 ? none : processes.kind === 'failed' ? unlisted(processes.problem) : undefined)),
  };
}

function unlisted(problem: string): string {
  return `what runs on the GPUs cannot be listed: ${problem}`;
}

function withSlices(gpu: Gpu, list: Answer, held: ReadonlyMap<string, readonly GpuProcess[]>): Gpu {
  if (gpu.slices === undefined || list.kind !== 'output') return gpu;
  const slices = parseMigSlices(list.text).get(gpu.uuid) ?? [];
  return { ...gpu, slices: slices.map((slice) => ({ ...slice, processes: held.get(slice.uuid) ?? [] })) };
}

/** How the GPUs are connected; empty where nobody can tell. */
export async function readGpuTopology(
  env: Environment,
  signal: AbortSignal,
  timeoutMs = TIMEOUT_MS,
): Promise<GpuTopology> {
  const words = ['topo', '-m'];
  const first = await query('nvidia-smi', words, { env, timeoutMs }, signal);
  const answer = first.kind === 'missing' ? await query(WSL_PROGRAM, words, { env, timeoutMs }, signal) : first;
  return answer.kind === 'output' ? parseGpuTopology(answer.text) : new Map();
}

interface QueryOptions {
  readonly env: Environment;
  readonly timeoutMs: number;
}

function queryAll(
  program: string,
  options: QueryOptions,
  signal: AbortSignal,
): Promise<readonly [Answer, Answer, Answer]> {
  return Promise.all([
    query(program, [`--query-gpu=${GPU_COLUMNS}`, CSV], options, signal),
    query(program, [`--query-compute-apps=${PROCESS_COLUMNS}`, CSV], options, signal),
    query(program, ['-L'], options, signal),
  ]);
}

async function query(
  program: string,
  words: readonly string[],
  options: QueryOptions,
  signal: AbortSignal,
): Promise<Answer> {
  const { execa } = await import('execa');
  signal.throwIfAborted();
  const child = execa(program, words, {
    env: { ...options.env, LC_ALL: 'C' },
    extendEnv: false,
    reject: false,
    all: true,
    stdin: 'ignore',
    maxBuffer: 1024 * 1024,
  });
  const result = await Promise.race([child, untilGivenUp(options.timeoutMs, child, signal)]);
  signal.throwIfAborted();
  if (result === 'given-up') {
    const problem = 'nvidia-smi does not answer: the driver hangs; look at dmesg, or reboot';
    return { kind: 'failed', problem, text: '' };
  }
  if (result.code === 'ENOENT') return { kind: 'missing' };
  const text = result.all ?? '';
  return result.failed ? { kind: 'failed', problem: describeSmiFailure(text), text } : { kind: 'output', text };
}

interface Ended {
  kill(signal: 'SIGKILL'): boolean;
  unref(): void;
  finally(then: () => void): unknown;
}

/** Resolves once the time is over or `signal` is aborted. A program that hangs inside a broken driver cannot be killed: its end is not waited for. */
function untilGivenUp(timeoutMs: number, child: Ended, signal: AbortSignal): Promise<'given-up'> {
  return new Promise((resolve) => {
    const giveUp = () => {
      child.kill('SIGKILL');
      child.unref();
      resolve('given-up');
    };
    const timer = setTimeout(giveUp, timeoutMs);
    signal.addEventListener('abort', giveUp, { once: true });
    child.finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
    });
  });
}
