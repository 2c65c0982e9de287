import type { Diagnostic } from '../model/diagnostic.ts';
import { type GpuDevice, listDevices } from '../model/gpu-device.ts';
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

/**
 * Looks at the GPUs of replicas that were stopped until nothing is on them any more; what stays is told with its container and the
 * command that ends it. Does nothing where no GPU was held.
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
    const left = listDevices(inventory.gpus)
      .filter(({ uuid }) => freed.has(uuid) && !others.has(uuid))
      .flatMap((gpu) => gpu.processes.map((process) => ({ gpu, process })));
    if (left.length === 0) return [];
    if (io.clock.now() >= giveUpAt) return Promise.all(left.map(describe));
    await io.clock.sleep(LOOK_EVERY_MS, signal);
  }
}

async function describe({
  gpu,
  process,
}: {
  readonly gpu: GpuDevice;
  readonly process: GpuProcess;
}): Promise<Diagnostic> {
  const { containerOfProcess } = await import('../host/container-of-process.ts');
  const container = (await containerOfProcess(process.pid))?.slice(0, 12);
  const where = container === undefined ? '' : ` in container ${container}`;
  return {
    severity: 'warning',
    code: 'GPU_LEFTOVER',
    message: `process ${process.pid} (${process.name})${where} still holds ${formatBytes(process.memoryBytes)} of GPU ${gpu.label}`,
    hint: container === undefined ? `kill ${process.pid} ends it` : `docker rm -f ${container} ends it`,
  };
}
