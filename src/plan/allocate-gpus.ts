import { type GpuDevice, isInUse, listDevices, usedBytes } from '../model/gpu-device.ts';
import type { Gpu, GpuHold, GpuTopology } from '../model/host-inventory.ts';
import { formatBytes } from '../model/quantity.ts';
import { bestConnected } from './best-connected.ts';
import { isChosen, suitableDevices } from './gpu-devices.ts';

export interface GpuRequest {
  readonly replica: string;
  readonly count: number;
  /** UUIDs it holds now or held last, kept when they are still free: an unchanged graph gets the same devices back. */
  readonly previous: readonly string[];
  /** The MIG profile that it asks for: `3g.40gb`; undefined: whole GPUs where there are any. */
  readonly profile?: string | undefined;
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
  /** Devices that the own project holds now: what runs there is its own. */
  readonly ownDevices: ReadonlySet<string>;
  /** What `restrictTo` came from: `--gpus` unless said. */
  readonly restrictedBy?: string | undefined;
}

export interface GpuShortage {
  readonly need: readonly GpuRequest[];
  readonly needed: number;
  readonly available: number;
  /** One line per device of the machine. */
  readonly rows: readonly { readonly gpu: GpuDevice; readonly heldBy: string }[];
  /** Other projects that hold some. */
  readonly projects: readonly string[];
}

export type GpuAllocation =
  | { readonly kind: 'allocated'; readonly byReplica: ReadonlyMap<string, readonly string[]> }
  | { readonly kind: 'short'; readonly shortage: GpuShortage };

/** A foreign process that holds more than this share of a GPU makes it busy: engines take 90 % of what they find. */
const FOREIGN_SHARE = 0.1;
/** Where the driver names no total (unified memory). */
const FOREIGN_BYTES = 2 * 2 ** 30;

/** What keeps a device from being given out, in words; undefined: free. */
function describeHolder(device: GpuDevice, input: GpuAllocationInput): string | undefined {
  if (input.restrictTo && !isChosen(device, input.restrictTo)) return `not in ${input.restrictedBy ?? '--gpus'}`;
  const hold = input.holds.find((entry) => entry.uuid === device.uuid);
  if (hold) return `project ${hold.project} (${hold.replica})`;
  if (device.computeMode === 'prohibited') return 'compute mode Prohibited';
  return input.ownDevices.has(device.uuid) ? undefined : describeForeign(device);
}

/** Who fills a device that no replica holds: the largest process that is listed, else memory that the driver says is in use. */
function describeForeign(device: GpuDevice): string | undefined {
  const { processes, memoryTotalBytes } = device;
  const listed = processes.reduce((sum, process) => sum + process.memoryBytes, 0);
  const largest = processes.toSorted((a, b) => b.memoryBytes - a.memoryBytes)[0];
  const most = memoryTotalBytes > 0 ? memoryTotalBytes * FOREIGN_SHARE : FOREIGN_BYTES;
  // Processes of another namespace or virtual machine are not listed, or without their size.
  if (listed <= most && !isInUse(device)) return undefined;
  return largest
    ? `process ${largest.pid} (${largest.name})`
    : `nobody that is listed (${formatBytes(usedBytes(device))} in use)`;
}

/**
 * Gives every replica distinct devices by UUID: what it had before when it can; else in the order of the requests, or, where it is
 * known how GPUs are connected or some are sliced, those that need most first, each the best connected set. All or nothing: when they do
 * not suffice, the table of need, have and held by comes back instead.
 */
export function allocateGpus(input: GpuAllocationInput): GpuAllocation {
  const devices = listDevices(input.gpus.toSorted((a, b) => a.index - b.index));
  const holders = new Map(devices.map((device) => [device.uuid, describeHolder(device, input)]));
  const free = devices.filter((device) => holders.get(device.uuid) === undefined);
  const need = input.requests.filter((request) => request.count > 0);
  const needed = need.reduce((sum, request) => sum + request.count, 0);
  const byReplica =
    // What was given before can leave too few whole GPUs for a replica that is new.
    give(need, free, input.topology) ??
    give(
      need.map((request) => ({ ...request, previous: [] })),
      free,
      input.topology,
    );
  if (byReplica !== undefined) return { kind: 'allocated', byReplica };
  const rows = [
    ...devices.map((gpu) => ({ gpu, heldBy: holders.get(gpu.uuid) ?? 'free' })),
    ...input.gpus.flatMap((gpu) =>
      gpu.slices?.length === 0
        ? [{ gpu: { ...gpu, label: String(gpu.index), profile: undefined }, heldBy: 'MIG mode without slices' }]
        : [],
    ),
  ];
  const projects = [...new Set(input.holds.map(({ project }) => project))].toSorted();
  return { kind: 'short', shortage: { need, needed, available: free.length, rows, projects } };
}

/** UUIDs by replica; undefined where they do not suffice. */
function give(
  need: readonly GpuRequest[],
  devices: readonly GpuDevice[],
  topology: GpuTopology | undefined,
): ReadonlyMap<string, readonly string[]> | undefined {
  const free = new Set(devices.map(({ uuid }) => uuid));
  const byReplica = new Map<string, readonly string[]>();
  for (const request of need) {
    const kept = request.previous.length === request.count && request.previous.every((uuid) => free.has(uuid));
    if (!kept) continue;
    byReplica.set(request.replica, request.previous);
    for (const uuid of request.previous) free.delete(uuid);
  }
  const differ = topology?.size || devices.some(({ profile }) => profile !== undefined);
  // Where devices differ, those that need several choose first, and those that name a profile before those that take any.
  const inOrder = differ
    ? need.toSorted((a, b) => b.count - a.count || Number(b.profile !== undefined) - Number(a.profile !== undefined))
    : need;
  for (const request of inOrder) {
    if (byReplica.has(request.replica)) continue;
    const given = choose(
      suitableDevices(
        devices.filter(({ uuid }) => free.has(uuid)),
        request,
      ),
      request.count,
      topology,
    );
    if (given === undefined) return undefined;
    byReplica.set(request.replica, given);
    for (const uuid of given) free.delete(uuid);
  }
  return byReplica;
}

/** The first of them; of whole GPUs the best connected ones. */
function choose(
  suitable: readonly GpuDevice[],
  count: number,
  topology: GpuTopology | undefined,
): readonly string[] | undefined {
  if (suitable.length < count) return undefined;
  const first = suitable.slice(0, count);
  const whole = suitable.filter(({ profile }) => profile === undefined);
  const chosen = first.every(({ profile }) => profile === undefined) ? bestConnected(whole, count, topology) : first;
  return chosen.map(({ uuid }) => uuid);
}
