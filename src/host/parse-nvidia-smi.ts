import type { Gpu, GpuProcess } from '../model/host-inventory.ts';

const MIB = 1024 * 1024;

function cells(line: string): string[] {
  return line.split(',').map((cell) => cell.trim());
}

/** `[N/A]`, `[Not Supported]`, `[Insufficient Permissions]`: the driver does not say. */
function megabytes(text: string | undefined): number {
  const value = Number.parseInt(text ?? '', 10);
  return Number.isNaN(value) ? 0 : value * MIB;
}

/**
 * `nvidia-smi --query-compute-apps=gpu_uuid,pid,process_name,used_memory --format=csv,noheader,nounits`, by GPU.
 * A name may hold commas: the first two cells and the last are fixed.
 */
export function parseComputeApps(text: string): ReadonlyMap<string, readonly GpuProcess[]> {
  const byGpu = new Map<string, GpuProcess[]>();
  for (const line of text.split('\n')) {
    const [uuid = '', pid = '', ...rest] = cells(line);
    const memory = rest.pop();
    if (!uuid.startsWith('GPU-') || !/^\d+$/.test(pid)) continue;
    const process = { pid: Number(pid), name: rest.join(',') || 'unknown', memoryBytes: megabytes(memory) };
    byGpu.set(uuid, [...(byGpu.get(uuid) ?? []), process]);
  }
  return byGpu;
}

/** `nvidia-smi --query-gpu=index,uuid,name,memory.total,memory.free --format=csv,noheader,nounits`, with the processes of each. */
export function parseGpus(text: string, processes: ReadonlyMap<string, readonly GpuProcess[]>): readonly Gpu[] {
  return text.split('\n').flatMap((line) => {
    const [index = '', uuid = '', name = '', total, free] = cells(line);
    if (!/^\d+$/.test(index) || !uuid.startsWith('GPU-')) return [];
    return [
      {
        index: Number(index),
        uuid,
        name,
        memoryTotalBytes: megabytes(total),
        memoryFreeBytes: megabytes(free),
        processes: processes.get(uuid) ?? [],
      },
    ];
  });
}
