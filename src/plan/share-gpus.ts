/** What a replica shares with others by `--share-gpus`. */
export interface GpuShare {
  /** One for each GPU: who shares them has the same. */
  readonly slots: readonly string[];
  /** From 0: which of those that share it is. */
  readonly nth: number;
  /** How many share. */
  readonly of: number;
  /** The one before it: engines look at what is free when they start, so one starts after another. */
  readonly after: string | undefined;
}

interface Taker {
  readonly id: string;
  readonly gpuCount: number;
  /** Given by the graph itself. */
  readonly gpuSlots: readonly string[];
}

/**
 * Puts up to `perGpu` replicas on the same GPUs: those that need equally many, in their order. Replicas that need none, or that share
 * already by the graph, are not in the answer.
 */
export function shareGpus(replicas: readonly Taker[], perGpu: number): ReadonlyMap<string, GpuShare> {
  const takers = replicas.filter(({ gpuCount, gpuSlots }) => gpuCount > 0 && gpuSlots.length === 0);
  const shares = new Map<string, GpuShare>();
  for (const count of new Set(takers.map(({ gpuCount }) => gpuCount))) {
    const equal = takers.filter(({ gpuCount }) => gpuCount === count);
    for (let start = 0; start < equal.length; start += perGpu) {
      const group = equal.slice(start, start + perGpu);
      const slots = Array.from({ length: count }, (_, gpu) => `shared-${count}-${start}-${gpu}`);
      for (const [nth, { id }] of group.entries())
        shares.set(id, { slots, nth, of: group.length, after: group[nth - 1]?.id });
    }
  }
  return shares;
}
