import type { Origin } from './origin.ts';

/**
 * A JSON-like tree in which every node says where it came from. YAML documents are read into it, operator defaults are
 * written in it, and merges keep the origin of whichever side won, so the pod that results can explain each of its values.
 */
export type Node = ScalarNode | ListNode | MapNode;

export type Scalar = string | number | boolean | null;
export interface ScalarNode {
  readonly kind: 'scalar';
  readonly value: Scalar;
  readonly origin: Origin;
}
export interface ListNode {
  readonly kind: 'list';
  readonly items: readonly Node[];
  readonly origin: Origin;
}
/** `fields` keeps the written order. `keys` holds the position of a key where it was written, for messages about the key itself. */
export interface MapNode {
  readonly kind: 'map';
  readonly fields: ReadonlyMap<string, Node>;
  readonly keys?: ReadonlyMap<string, Origin>;
  readonly origin: Origin;
}

export type Json = Scalar | readonly Json[] | { readonly [key: string]: Json };

export function scalar(value: Scalar, origin: Origin): ScalarNode {
  return { kind: 'scalar', value, origin };
}

export function list(items: readonly Node[], origin: Origin): ListNode {
  return { kind: 'list', items, origin };
}

/** A map node of the given fields, in their order. */
export function map(fields: Iterable<readonly [string, Node]>, origin: Origin): MapNode {
  return { kind: 'map', fields: new Map(fields), origin };
}

function isJsonList(json: Json): json is readonly Json[] {
  return Array.isArray(json);
}

/** Every node of the tree gets the same origin: how defaults are written. */
export function fromJson(json: Json, origin: Origin): Node {
  if (json === null || typeof json !== 'object') return scalar(json, origin);
  if (isJsonList(json))
    return list(
      json.map((item) => fromJson(item, origin)),
      origin,
    );
  return map(
    Object.entries(json).map(([key, value]) => [key, fromJson(value, origin)]),
    origin,
  );
}

/** The plain value, origins dropped. */
export function toJson(node: Node): Json {
  switch (node.kind) {
    case 'scalar':
      return node.value;
    case 'list':
      return node.items.map(toJson);
    case 'map':
      return Object.fromEntries([...node.fields].map(([key, value]) => [key, toJson(value)]));
  }
}

/** Walks map keys (strings) and list indexes (numbers); undefined when the path leaves the tree. */
export function at(node: Node | undefined, ...path: readonly (string | number)[]): Node | undefined {
  let here = node;
  for (const step of path) {
    if (here?.kind === 'map' && typeof step === 'string') here = here.fields.get(step);
    else if (here?.kind === 'list' && typeof step === 'number') here = here.items[step];
    else return undefined;
  }
  return here;
}

export function mapAt(node: Node | undefined, ...path: readonly (string | number)[]): MapNode | undefined {
  const found = at(node, ...path);
  return found?.kind === 'map' ? found : undefined;
}

/** The items of the list there; empty when there is none. */
export function itemsAt(node: Node | undefined, ...path: readonly (string | number)[]): readonly Node[] {
  const found = at(node, ...path);
  return found?.kind === 'list' ? found.items : [];
}

export function stringAt(node: Node | undefined, ...path: readonly (string | number)[]): string | undefined {
  const found = at(node, ...path);
  return found?.kind === 'scalar' && typeof found.value === 'string' ? found.value : undefined;
}

export function numberAt(node: Node | undefined, ...path: readonly (string | number)[]): number | undefined {
  const found = at(node, ...path);
  return found?.kind === 'scalar' && typeof found.value === 'number' ? found.value : undefined;
}

export function booleanAt(node: Node | undefined, ...path: readonly (string | number)[]): boolean | undefined {
  const found = at(node, ...path);
  return found?.kind === 'scalar' && typeof found.value === 'boolean' ? found.value : undefined;
}

/** The strings of a list of strings (`command`, `args`); anything else in it is left out. */
export function stringsAt(
  node: Node | undefined,
  ...path: readonly (string | number)[]
): readonly string[] | undefined {
  const found = at(node, ...path);
  if (found?.kind !== 'list') return undefined;
  return found.items.flatMap((item) => (item.kind === 'scalar' && typeof item.value === 'string' ? [item.value] : []));
}

/** The same map with one field set (appended when new) or, with `undefined`, removed. */
export function withField(node: MapNode, key: string, value: Node | undefined): MapNode {
  const fields = new Map(node.fields);
  if (value === undefined) fields.delete(key);
  else fields.set(key, value);
  return { ...node, fields };
}
