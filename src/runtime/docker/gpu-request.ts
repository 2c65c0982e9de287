import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { parse } from 'yaml';

/**
 * How an engine gives containers GPUs: by NVIDIA's hook or runtime (engines from 29 on let that name choose CDI by themselves,
 * moby/moby#50228), or by devices of the Container Device Interface, where the engine has those and nothing else.
 */
export type GpuDriver = 'nvidia' | 'cdi';

/** The kind of NVIDIA's devices: `nvidia-ctk cdi generate` names them by index and by UUID. */
const KIND = 'nvidia.com/gpu';

/** The part of a container's body that asks for these GPUs, by UUID and never by count: `count: N` always means devices 0..N-1 (DESIGN decision 1). */
export function gpuRequest(uuids: readonly string[], driver: GpuDriver): Docker.DeviceRequest {
  if (driver === 'cdi') return { Driver: 'cdi', DeviceIDs: uuids.map((uuid) => `${KIND}=${uuid}`) };
  return { Driver: 'nvidia', DeviceIDs: [...uuids], Capabilities: [['gpu']] };
}

/** What engines say about CDI that dockerode does not type: since 25 where specifications are, since 28.2 what devices they name. */
interface CdiInfo {
  readonly Runtimes?: Readonly<Record<string, unknown>>;
  readonly CDISpecDirs?: readonly string[] | null;
  readonly DiscoveredDevices?: readonly { readonly ID?: string }[] | null;
}

/** `cdi` for an engine without NVIDIA's runtime that knows NVIDIA's devices by CDI. Rejects with what the engine rejects with. */
export async function readGpuDriver(docker: Docker): Promise<GpuDriver> {
  const info: CdiInfo = await docker.info();
  if (info.Runtimes?.nvidia !== undefined) return 'nvidia';
  const discovered = info.DiscoveredDevices?.some(({ ID }) => ID?.startsWith(`${KIND}=`)) ?? false;
  return discovered || (await namesGpus(info.CDISpecDirs ?? [])) ? 'cdi' : 'nvidia';
}

/** Whether a specification in these directories of this machine names NVIDIA's devices. */
async function namesGpus(directories: readonly string[]): Promise<boolean> {
  for (const directory of directories) {
    const names = await readdir(directory).catch(() => []);
    for (const name of names.filter((file) => /\.(?:ya?ml|json)$/.test(file))) {
      const text = await readFile(join(directory, name), 'utf8').catch(() => '');
      if (text.includes(KIND) && parse(text)?.kind === KIND) return true;
    }
  }
  return false;
}
