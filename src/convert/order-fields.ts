import { type MapNode, map } from '../model/node.ts';

/** How people write a container: what it is, what it runs, with what, and the rest as it comes. */
const CONTAINER = ['name', 'image', 'command', 'args', 'workingDir', 'env', 'envFrom', 'resources', 'volumeMounts'];

/** A container with its fields in the order that files have them. */
export function orderContainer(container: MapNode): MapNode {
  const rank = (key: string) => (CONTAINER.includes(key) ? CONTAINER.indexOf(key) : CONTAINER.length);
  return map(
    [...container.fields].toSorted(([a], [b]) => rank(a) - rank(b)),
    container.origin,
  );
}
