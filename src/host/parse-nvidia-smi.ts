import type { Gpu, GpuProcess, MigSlice } from '../model/host-inventory.ts';

/** Columns of `--query-gpu`. The name stands last: it is the only one that may hold a comma. */
export const GPU_COLUMNS =
  'index,uuid,memory.total,memory.free,driver_version,compute_mode,persistence_mode,mig.mode.current,name';
/** Columns of `--query-compute-apps`; a process name may hold commas too. */
export const PROCESS_COLUMNS = 'gpu_uuid,pid,used_memory,process_name';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

export interface ParsedGpus {
  readonly gpus: readonly Omit<Gpu, 'processes'>[];
  readonly driverVersion: string | undefined;
  /** Lines that describe no usable GPU: what the driver complains about. */
  readonly complaints: readonly string[];
}

/** The first `count - 1` cells, and the rest of the line as the last one. */
function splitCells(line: string, count: number): readonly string[] {
  const cells = line.split(',');
  return [...cells.slice(0, count - 1), cells.slice(count - 1).join(',')].map((cell) => cell.trim());
}

/** MiB in, bytes out; 0 for `[N/A]`, `[Not Supported]` and the like, which machines with unified memory say. */
function parseMebibytes(cell: string | undefined): number {
  return cell !== undefined && /^\d+$/.test(cell) ? Number(cell) * MIB : 0;
}

/** Reads `nvidia-smi --query-gpu=GPU_COLUMNS --format=csv,noheader,nounits`, GPUs that fell off the bus left out. */
export function parseGpus(output: string): ParsedGpus {
  const gpus: Omit<Gpu, 'processes'>[] = [];
  const complaints: string[] = [];
  let driverVersion: string | undefined;
  for (const line of output.split('\n').map((text) => text.trim())) {
    if (line === '') continue;
    const [index, uuid, total, free, driver, compute, persistence, mig, name] = splitCells(line, 9);
    const broken = /\[(?:GPU is lost|Unknown Error|GPU requires reset)\]|ERR!/i.exec(line);
    if (index === undefined || !/^\d+$/.test(index) || uuid === undefined || !/^GPU-[\w-]+$/.test(uuid) || broken) {
      complaints.push(index !== undefined && /^\d+$/.test(index) ? `GPU ${index}: ${broken?.[0] ?? line}` : line);
      continue;
    }
    if (driver !== undefined && /^\d/.test(driver)) driverVersion ??= driver;
    gpus.push({
      index: Number(index),
      uuid,
      name: name ?? '',
      memoryTotalBytes: parseMebibytes(total),
      memoryFreeBytes: parseMebibytes(free),
      ...parseModes(compute, persistence),
      ...(mig === 'Enabled' ? { slices: [] } : {}),
    });
  }
  return { gpus: gpus.toSorted((a, b) => a.index - b.index), driverVersion, complaints };
}

function parseModes(compute = '', persistence = ''): Pick<Gpu, 'computeMode' | 'persistent'> {
  const mode = /^exclusive/i.test(compute) ? 'exclusive' : /^prohibited/i.test(compute) ? 'prohibited' : undefined;
  return {
    ...(mode === undefined ? {} : { computeMode: mode }),
    ...(/^(?:en|dis)abled$/i.test(persistence) ? { persistent: /^enabled$/i.test(persistence) } : {}),
  };
}

/** Reads the MIG devices of `nvidia-smi -L`, by the UUID of their GPU, nothing running on them yet. */
export function parseMigSlices(output: string): ReadonlyMap<string, readonly MigSlice[]> {
  const slices = new Map<string, MigSlice[]>();
  let gpu: MigSlice[] = [];
  for (const line of output.split('\n')) {
    const parent = /^GPU \d+:.*\(UUID: (GPU-[\w-]+)\)/.exec(line)?.[1];
    if (parent !== undefined) {
      gpu = [];
      slices.set(parent, gpu);
      continue;
    }
    const slice = /^\s+MIG (\S+)\s+Device\s+(\d+):\s+\(UUID: (MIG-[\w/-]+)\)/.exec(line);
    if (slice?.[1] === undefined || slice[3] === undefined) continue;
    const memoryBytes = Number(/(\d+)gb/.exec(slice[1])?.[1] ?? 0) * GIB;
    gpu.push({ index: Number(slice[2]), uuid: slice[3], profile: slice[1], memoryBytes, processes: [] });
  }
  return slices;
}

/** Reads `nvidia-smi --query-compute-apps=PROCESS_COLUMNS --format=csv,noheader,nounits`, by the UUID of the GPU or of its slice. */
export function parseGpuProcesses(output: string): ReadonlyMap<string, readonly GpuProcess[]> {
  const processes = new Map<string, GpuProcess[]>();
  for (const line of output.split('\n')) {
    const [uuid, pid, memory, name] = splitCells(line.trim(), 4);
    if (uuid === undefined || !/^(?:GPU|MIG)-/.test(uuid) || pid === undefined || !/^\d+$/.test(pid)) continue;
    const list = processes.get(uuid) ?? [];
    list.push({ pid: Number(pid), name: name ?? '', memoryBytes: parseMebibytes(memory) });
    processes.set(uuid, list);
  }
  return processes;
}

/** One sentence for what the program said when it failed; its own words where they are not known. */
export function describeSmiFailure(output: string): string {
  const text = output.trim();
  if (/couldn't communicate with the NVIDIA driver/i.test(text)) {
    return 'nvidia-smi cannot talk to the NVIDIA driver: it is not installed or not loaded';
  }
  if (/driver\/library version mismatch/i.test(text)) {
    return 'the NVIDIA driver was updated but not reloaded (driver/library version mismatch): reboot, or reload its modules';
  }
  if (/no devices were found/i.test(text)) return 'the NVIDIA driver finds no GPU';
  if (/insufficient permissions/i.test(text)) return 'nvidia-smi may not read the GPUs: insufficient permissions';
  const lost = /gpu is lost|unable to determine the device handle/i.test(text);
  const first =
    text
      .split('\n')
      .find((line) => line.trim() !== '')
      ?.trim() ?? 'it said nothing';
  return lost ? `a GPU is lost, the machine needs a reboot: ${first}` : `nvidia-smi failed: ${first.slice(0, 200)}`;
}
