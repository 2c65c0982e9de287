import type { Registration } from './parse-registration.ts';

/**
 * How many processes serve each component, by `NAMESPACE/COMPONENT`. Only the endpoint `generate` counts: from 1.0 on processes also
 * register endpoints of their own for other purposes (facts/versions.md §4).
 */
export function countInstances(registrations: readonly Registration[]): ReadonlyMap<string, number> {
  const serving = new Map<string, Set<string>>();
  for (const entry of registrations) {
    if (entry.kind !== 'instance' || entry.endpoint !== 'generate') continue;
    const place = `${entry.namespace}/${entry.component}`;
    serving.set(place, (serving.get(place) ?? new Set()).add(entry.instance));
  }
  return new Map([...serving].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([place, ids]) => [place, ids.size]));
}
