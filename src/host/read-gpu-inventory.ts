import type { GpuInventory } from '../model/host-inventory.ts';
import { parseComputeApps, parseGpus } from './parse-nvidia-smi.ts';

/** Without persistence mode the first call loads the driver: seconds. */
const TIMEOUT_MS = 30_000;

type Environment = Readonly<Record<string, string | undefined>>;

async function query(
  fields: string,
  env: Environment,
  signal: AbortSignal,
): Promise<{ readonly text: string; readonly problem: string | undefined }> {
  const { execa } = await import('execa');
  const result = await execa('nvidia-smi', [fields, '--format=csv,noheader,nounits'], {
    timeout: TIMEOUT_MS,
    reject: false,
    extendEnv: false,
    env: { ...env },
    cancelSignal: signal,
  });
  signal.throwIfAborted();
  if (result.timedOut) return { text: '', problem: `nvidia-smi gave no answer within ${TIMEOUT_MS / 1000} s` };
  if (result.code === 'ENOENT')
    return { text: '', problem: 'nvidia-smi is not on PATH: is the NVIDIA driver installed?' };
  if (result.exitCode !== 0) {
    const said = `${result.stdout}\n${result.stderr}`.trim().split('\n')[0] ?? '';
    return { text: '', problem: `nvidia-smi ended with ${result.exitCode ?? 'a signal'}: ${said}` };
  }
  return { text: result.stdout, problem: undefined };
}

/** The GPUs of this machine and what runs on them; two calls at once. Never throws for a machine without GPUs: `problem` says why. */
export async function readGpuInventory(env: Environment, signal: AbortSignal): Promise<GpuInventory> {
  const [gpus, apps] = await Promise.all([
    query('--query-gpu=index,uuid,name,memory.total,memory.free,driver_version', env, signal),
    query('--query-compute-apps=gpu_uuid,pid,process_name,used_memory', env, signal),
  ]);
  const parsed = parseGpus(gpus.text, parseComputeApps(apps.text));
  const driverVersion = gpus.text.split('\n')[0]?.split(',')[5]?.trim();
  const none = parsed.length === 0 ? `nvidia-smi lists no GPU: ${gpus.text.trim().split('\n')[0] ?? ''}` : undefined;
  return { gpus: parsed, driverVersion, problem: gpus.problem ?? none };
}
