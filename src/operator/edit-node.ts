import { itemsAt, list, type MapNode, map, type Node, stringAt, withField } from '../model/node.ts';
import type { Origin } from '../model/origin.ts';

/** The maps among the items of a list of objects: containers, volumes, mounts, env. */
export function mapsAt(node: Node | undefined, ...path: readonly (string | number)[]): readonly MapNode[] {
  return itemsAt(node, ...path).filter((item): item is MapNode => item.kind === 'map');
}

/** `name` of an object, `''` when it has none. */
export function nameOf(node: Node): string {
  return stringAt(node, 'name') ?? '';
}

/** The list field with these items; its origin stays, a new list gets the given one; without items the field goes. */
export function withItems(node: MapNode, key: string, items: readonly Node[], origin: Origin): MapNode {
  const existing = node.fields.get(key);
  const value = items.length === 0 ? undefined : list(items, existing?.kind === 'list' ? existing.origin : origin);
  return withField(node, key, value);
}

/** The list field with more items behind those it has. */
export function withAppended(node: MapNode, key: string, items: readonly Node[], origin: Origin): MapNode {
  if (items.length === 0) return node;
  return withItems(node, key, [...itemsAt(node, key), ...items], origin);
}

/** Later maps win key by key, each value with its own origin; undefined when none has a field. */
export function overlayMaps(origin: Origin, ...layers: readonly (MapNode | undefined)[]): MapNode | undefined {
  const fields = new Map<string, Node>();
  for (const layer of layers) for (const [key, value] of layer?.fields ?? []) fields.set(key, value);
  if (fields.size === 0) return undefined;
  return map(fields, layers.findLast((layer) => layer !== undefined)?.origin ?? origin);
}

/** Go's order of strings: by code unit, not by locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
