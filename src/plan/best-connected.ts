import type { Gpu, GpuTopology } from '../model/host-inventory.ts';

/** The legend of `nvidia-smi topo -m`, best first after NVLink: one PCIe switch, several, a host bridge, a NUMA node, between sockets. */
const RANK: Readonly<Record<string, number>> = { PIX: 5, PXB: 4, PHB: 3, NODE: 2, SYS: 1 };
const NVLINK = 10;
/** Sets that are compared at most; beyond it (more than 16 GPUs) the first ones that are free do. */
const MOST_SETS = 20_000;

/** How good a link is; NVLink counts its lanes: `NV18` is better than `NV4`. */
function rankLink(link: string | undefined): number {
  const lanes = /^NV(\d+)$/.exec(link ?? '')?.[1];
  return lanes === undefined ? (RANK[link ?? ''] ?? 0) : NVLINK + Number(lanes);
}

interface Score {
  readonly worst: number;
  readonly sum: number;
}

function score(set: readonly Gpu[], topology: GpuTopology): Score {
  const ranks = set.flatMap((a, at) =>
    set.slice(at + 1).map((b) => rankLink(topology.get(a.index)?.get(b.index) ?? topology.get(b.index)?.get(a.index))),
  );
  return { worst: Math.min(...ranks), sum: ranks.reduce((total, rank) => total + rank, 0) };
}

/** Sets of `count` in the order of their members. */
function* setsOf(gpus: readonly Gpu[], count: number, from = 0): Generator<readonly Gpu[]> {
  if (count === 0) {
    yield [];
    return;
  }
  for (let at = from; at <= gpus.length - count; at += 1) {
    const first = gpus[at];
    if (first) for (const rest of setsOf(gpus, count - 1, at + 1)) yield [first, ...rest];
  }
}

/**
 * `count` of the free GPUs whose worst link is best, since tensor parallelism waits for it; then by the sum of all links, then the first
 * ones. Pure: the same input gives the same set.
 */
export function bestConnected(free: readonly Gpu[], count: number, topology: GpuTopology | undefined): readonly Gpu[] {
  const first = free.slice(0, count);
  if (count < 2 || count >= free.length || topology === undefined || topology.size === 0) return first;
  let best: Score & { readonly set: readonly Gpu[] } = { set: first, ...score(first, topology) };
  let compared = 0;
  for (const set of setsOf(free, count)) {
    compared += 1;
    if (compared > MOST_SETS) break;
    const now = score(set, topology);
    if (now.worst > best.worst || (now.worst === best.worst && now.sum > best.sum)) best = { set, ...now };
  }
  return best.set;
}
