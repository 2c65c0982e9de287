import type { Gpu } from './host-inventory.ts';

/** What a container can be given: a whole GPU, or a slice of one in MIG mode. */
export interface GpuDevice extends Gpu {
  /** What people choose it by: `0`, or `0:1` for the second slice of the first GPU. */
  readonly label: string;
  /** The profile of a slice (`3g.40gb`); undefined for a whole GPU. */
  readonly profile: string | undefined;
}

/** What a driver keeps for itself and what a desktop uses stays below this share of the memory, or below these bytes. */
const QUIET_SHARE = 0.1;
const QUIET_BYTES = 2 ** 30;

/** Bytes of a device that are in use, whoever is listed on it. */
export function usedBytes({ memoryTotalBytes, memoryFreeBytes }: GpuDevice): number {
  return memoryTotalBytes - memoryFreeBytes;
}

/** Whether more of it is in use than a GPU that nobody works on shows. */
export function isInUse(device: GpuDevice): boolean {
  return usedBytes(device) > Math.max(device.memoryTotalBytes * QUIET_SHARE, QUIET_BYTES);
}

/** Devices in the order of the GPUs. One in MIG mode is itself no device: only its slices are. */
export function listDevices(gpus: readonly Gpu[]): readonly GpuDevice[] {
  return gpus.flatMap((gpu): readonly GpuDevice[] => {
    const { slices, ...whole } = gpu;
    if (slices === undefined) return [{ ...whole, label: String(gpu.index), profile: undefined }];
    return slices.map((slice) => ({
      ...whole,
      uuid: slice.uuid,
      name: `${gpu.name} MIG ${slice.profile}`,
      memoryTotalBytes: slice.memoryBytes,
      memoryFreeBytes: Math.max(
        0,
        slice.memoryBytes - slice.processes.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0),
      ),
      processes: slice.processes,
      label: `${gpu.index}:${slice.index}`,
      profile: slice.profile,
    }));
  });
}
