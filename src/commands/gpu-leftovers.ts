import type { Diagnostic } from '../model/diagnostic.ts';
import { type GpuDevice, isInUse, listDevices, usedBytes } from '../model/gpu-device.ts';
import type { GpuProcess } from '../model/host-inventory.ts';
import type { ObservedContainer } from '../model/observed-state.ts';
import { formatBytes } from '../model/quantity.ts';
import type { Runtime } from '../model/runtime.ts';
import type { Io } from './io.ts';

/** The driver gives memory back a moment after the process has ended. */
const FREE_WITHIN_MS = 5000;
const LOOK_EVERY_MS = 250;

/** GPUs that running containers hold. */
export function heldGpus(containers: readonly ObservedContainer[]): ReadonlySet<string> {
  return new Set(containers.filter(({ status }) => status === 'running').flatMap(({ gpus }) => gpus));
}

interface Leftover {
  readonly gpu: GpuDevice;
  /** Undefined: memory is in use, and nobody is listed. */
  readonly process: GpuProcess | undefined;
}

/**
 * Reads the GPUs of replicas that were stopped again until they are free; what stays is told with its container and the command that
 * ends it. Processes of no container and no replica were there before. Does nothing where no GPU was held.
 */
export async function findGpuLeftovers(
  freed: ReadonlySet<string>,
  runtime: Runtime,
  io: Io,
  signal: AbortSignal,
): Promise<readonly Diagnostic[]> {
  if (freed.size === 0) return [];
  const { readGpuInventory } = await import('../host/read-gpu-inventory.ts');
  const giveUpAt = io.clock.now() + FREE_WITHIN_MS;
  for (;;) {
    const [inventory, holds] = await Promise.all([readGpuInventory(io.env, signal), runtime.gpuHolds(signal)]);
    const others = new Set(holds.map(({ uuid }) => uuid));
    const gpus = listDevices(inventory.gpus).filter(({ uuid }) => freed.has(uuid) && !others.has(uuid));
    if (gpus.length === 0 && inventory.problem !== undefined) return [unread(inventory.problem)];
    const left = (await Promise.all(gpus.map(leftOn))).flat();
    if (left.length === 0) return [];
    if (io.clock.now() >= giveUpAt) return Promise.all(left.map(describe));
    await io.clock.sleep(LOOK_EVERY_MS, signal);
  }
}

async function leftOn(gpu: GpuDevice): Promise<readonly Leftover[]> {
  const { ownerOfProcess } = await import('../host/owner-of-process.ts');
  const owners = await Promise.all(gpu.processes.map(({ pid }) => ownerOfProcess(pid)));
  const left = gpu.processes.filter((_, index) => owners[index] !== 'other').map((process) => ({ gpu, process }));
  return gpu.processes.length === 0 && isInUse(gpu) ? [{ gpu, process: undefined }] : left;
}

function unread(problem: string): Diagnostic {
  const message = `whether the GPUs are free again cannot be read: ${problem}`;
  return { severity: 'warning', code: 'GPU_UNREAD', message };
}

async function describe({ gpu, process }: Leftover): Promise<Diagnostic> {
  if (process === undefined) {
    return {
      severity: 'warning',
      code: 'GPU_LEFTOVER',
      message: `${formatBytes(usedBytes(gpu))} of GPU ${gpu.label} are still in use, and no process is listed`,
      hint: `fuser -v /dev/nvidia* shows who has it open; nvidia-smi --gpu-reset -i ${gpu.index} frees what nobody has`,
    };
  }
  const { containerOfProcess } = await import('../host/owner-of-process.ts');
  const container = (await containerOfProcess(process.pid))?.slice(0, 12);
  const where = container === undefined ? '' : ` in container ${container}`;
  return {
    severity: 'warning',
    code: 'GPU_LEFTOVER',
    message: `process ${process.pid} (${process.name})${where} still holds ${formatBytes(process.memoryBytes)} of GPU ${gpu.label}`,
    hint: container === undefined ? `kill ${process.pid} ends it` : `docker rm -f ${container} ends it`,
  };
}
