import type { Diagnostic } from '../model/diagnostic.ts';
import { type GpuDevice, listDevices } from '../model/gpu-device.ts';
import type { Gpu } from '../model/host-inventory.ts';

/** Whether `--gpus` or CUDA_VISIBLE_DEVICES means the device: its label, that of its GPU, or the start of its UUID. */
export function isChosen({ label, index, uuid }: GpuDevice, chosen: readonly string[]): boolean {
  return chosen.some((id) => id === label || id === String(index) || (id !== '' && uuid.startsWith(id)));
}

/**
 * The devices that suit a replica, the best first. Several GPUs are whole ones: CUDA sees a single slice per process. One alone is a whole
 * one where there is any, else the largest slice. Who asks for a profile (`nvidia.com/mig-3g.40gb`) gets it, or a whole GPU in its place.
 */
export function suitableDevices(
  devices: readonly GpuDevice[],
  { count, profile }: { readonly count: number; readonly profile?: string | undefined },
): readonly GpuDevice[] {
  const whole = devices.filter((device) => device.profile === undefined);
  if (profile !== undefined) return [...devices.filter((device) => device.profile === profile), ...whole];
  if (count > 1) return whole;
  const slices = devices.filter((device) => device.profile !== undefined);
  return [...whole, ...slices.toSorted((a, b) => b.memoryTotalBytes - a.memoryTotalBytes)];
}

/** What a replica runs on when it is not what its file asks for: a slice in place of a GPU, or the other way round. */
export function sliceNotices(
  replicas: readonly { readonly id: string; readonly profile: string | undefined }[],
  given: ReadonlyMap<string, readonly string[]>,
  gpus: readonly Gpu[],
): readonly Diagnostic[] {
  const byUuid = new Map(listDevices(gpus).map((device) => [device.uuid, device]));
  return replicas.flatMap(({ id, profile }): Diagnostic[] => {
    const device = byUuid.get(given.get(id)?.[0] ?? '');
    if (device === undefined || device.profile === profile) return [];
    return [
      profile === undefined
        ? {
            severity: 'warning',
            code: 'GPU_SLICE',
            message: `${id} gets slice ${device.label} (${device.profile}) and no whole GPU: none is free`,
            hint: '--gpus chooses another',
          }
        : {
            severity: 'notice',
            code: 'GPU_WHOLE',
            message: `${id} asks for a slice ${profile} and gets GPU ${device.label}: this machine has no such slice free`,
          },
    ];
  });
}
