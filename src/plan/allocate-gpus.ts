import type { Gpu, GpuHold, GpuTopology } from '../model/host-inventory.ts';
import { bestConnected } from './best-connected.ts';

export interface GpuRequest {
  readonly replica: string;
  readonly count: number;
  /** UUIDs it holds now or held last, kept when they are still free: an unchanged graph gets the same devices back. */
  readonly previous: readonly string[];
}

export interface GpuAllocationInput {
  readonly requests: readonly GpuRequest[];
  readonly gpus: readonly Gpu[];
  /** Of other projects; the own project's are not in it. */
  readonly holds: readonly GpuHold[];
  /** Indexes or UUIDs to choose from (`--gpus`, the caller's CUDA_VISIBLE_DEVICES); undefined: all. */
  readonly restrictTo: readonly string[] | undefined;
  /** Undefined or empty: not known. */
  readonly topology?: GpuTopology | undefined;
  /** Process ids that belong to the own project: not foreign. */
  readonly ownPids: ReadonlySet<number>;
}

export interface GpuShortage {
  readonly need: readonly GpuRequest[];
  readonly needed: number;
  readonly available: number;
  /** One line per GPU of the machine. */
  readonly rows: readonly { readonly gpu: Gpu; readonly heldBy: string }[];
  /** Other projects that hold some. */
  readonly projects: readonly string[];
}

export type GpuAllocation =
  | { readonly kind: 'allocated'; readonly byReplica: ReadonlyMap<string, readonly string[]> }
  | { readonly kind: 'short'; readonly shortage: GpuShortage };

/** A foreign process that holds more than this share of a GPU makes it busy: engines take 90 % of what they find. */
const FOREIGN_SHARE = 0.1;

/** What keeps a GPU from being given out, in words; undefined: free. */
function describeHolder(gpu: Gpu, input: GpuAllocationInput): string | undefined {
  const chosen = input.restrictTo;
  if (chosen && !chosen.includes(String(gpu.index)) && !chosen.some((id) => id !== '' && gpu.uuid.startsWith(id))) {
    return 'not in --gpus';
  }
  const hold = input.holds.find((entry) => entry.uuid === gpu.uuid);
  if (hold) return `project ${hold.project} (${hold.replica})`;
  const foreign = gpu.processes.filter((process) => !input.ownPids.has(process.pid));
  const foreignBytes = foreign.reduce((sum, process) => sum + process.memoryBytes, 0);
  const largest = foreign.toSorted((a, b) => b.memoryBytes - a.memoryBytes)[0];
  if (largest && foreignBytes > gpu.memoryTotalBytes * FOREIGN_SHARE) return `process ${largest.pid} (${largest.name})`;
  return undefined;
}

/**
 * Gives every replica whole, distinct GPUs by UUID: what it had before when it can; else in the order of the requests, or, where it is
 * known how GPUs are connected, those that need most first, each the best connected set. All or nothing: when they do not suffice, the table of need, have and held by comes back instead.
 */
export function allocateGpus(input: GpuAllocationInput): GpuAllocation {
  const byIndex = input.gpus.toSorted((a, b) => a.index - b.index);
  const holders = new Map(byIndex.map((gpu) => [gpu.uuid, describeHolder(gpu, input)]));
  const free = new Set(byIndex.filter((gpu) => holders.get(gpu.uuid) === undefined).map((gpu) => gpu.uuid));
  const need = input.requests.filter((request) => request.count > 0);
  const needed = need.reduce((sum, request) => sum + request.count, 0);
  if (needed > free.size) {
    const rows = byIndex.map((gpu) => ({ gpu, heldBy: holders.get(gpu.uuid) ?? 'free' }));
    const projects = [...new Set(input.holds.map(({ project }) => project))].toSorted();
    return { kind: 'short', shortage: { need, needed, available: free.size, rows, projects } };
  }
  const byReplica = new Map<string, readonly string[]>();
  for (const request of need) {
    const kept = request.previous.length === request.count && request.previous.every((uuid) => free.has(uuid));
    if (!kept) continue;
    byReplica.set(request.replica, request.previous);
    for (const uuid of request.previous) free.delete(uuid);
  }
  // Where links differ, those that need several choose first: what is left over suits one as well as another.
  const inOrder = input.topology?.size ? need.toSorted((a, b) => b.count - a.count) : need;
  for (const request of inOrder) {
    if (byReplica.has(request.replica)) continue;
    const choice = byIndex.filter((gpu) => free.has(gpu.uuid));
    const given = bestConnected(choice, request.count, input.topology).map((gpu) => gpu.uuid);
    byReplica.set(request.replica, given);
    for (const uuid of given) free.delete(uuid);
  }
  return { kind: 'allocated', byReplica };
}
