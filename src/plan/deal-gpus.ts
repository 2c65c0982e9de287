import type { MapNode } from '../model/node.ts';
import { claimsOf, gpuCount } from './local-pod.ts';

/**
 * Deals the GPUs of a replica out to its containers, asked in the order of the pod: those of a claim to every container that names it,
 * and to each container as many of its own as it asks for.
 */
export function dealGpus(
  gpus: readonly string[],
  claims: ReadonlyMap<string, number>,
): (container: MapNode) => readonly string[] {
  const remaining = [...gpus];
  const byClaim = new Map([...claims].map(([name, count]) => [name, remaining.splice(0, count)]));
  return (container) => [
    ...claimsOf(container).flatMap((claim) => byClaim.get(claim) ?? []),
    ...remaining.splice(0, gpuCount(container)),
  ];
}
