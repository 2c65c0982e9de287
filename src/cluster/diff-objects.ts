import type { Json } from '../model/node.ts';
import { type MapNode, type Node, stringAt, toJson } from '../model/node.ts';
import { formatPosition, type Origin } from '../model/origin.ts';
import { isSecretName } from '../model/secret-names.ts';

/** One value that differs; a side that does not have it is left out. */
export interface Difference {
  /** `spec.components[decode].replicas`; entries of lists by their name where they have one. */
  readonly path: string;
  readonly file?: { readonly value: Json; readonly from: string };
  readonly cluster?: { readonly value: Json };
}

/** What names an entry of a list, in this order (`x-kubernetes-list-map-keys` of the CRDs). */
const KEYS = ['name', 'mountPath', 'mountPoint', 'containerPort', 'key'] as const;

const HIDDEN = '(secret)';

/**
 * Where the object of a file and the one of a cluster differ, in the order of the file, then what only the cluster has. Both have
 * been through the API server's defaults (`admitObject`), and nothing that the cluster made is in them (`stripObject`). The order
 * of named entries does not count. Values of variables with names of secrets are not given.
 */
export function diffObjects(file: MapNode, cluster: MapNode): readonly Difference[] {
  return diffMaps(file, cluster, '');
}

function diffMaps(file: MapNode, cluster: MapNode, path: string): readonly Difference[] {
  const secret = isSecretName(stringAt(file, 'name') ?? stringAt(cluster, 'name') ?? '');
  const names = new Set([...file.fields.keys(), ...cluster.fields.keys()]);
  return [...names].flatMap((name) => {
    const found = diffNodes(file.fields.get(name), cluster.fields.get(name), join(path, name));
    return secret && name === 'value' ? found.map(hide) : found;
  });
}

function diffNodes(file: Node | undefined, cluster: Node | undefined, path: string): readonly Difference[] {
  if (file?.kind === 'map' && cluster?.kind === 'map') return diffMaps(file, cluster, path);
  if (file?.kind === 'list' && cluster?.kind === 'list') {
    const [ours, theirs] = [byKey(file.items), byKey(cluster.items)];
    if (ours && theirs)
      return [...new Set([...ours.keys(), ...theirs.keys()])].flatMap((key) =>
        diffNodes(ours.get(key), theirs.get(key), `${path}[${key}]`),
      );
  }
  const same = file && cluster && JSON.stringify(sorted(file)) === JSON.stringify(sorted(cluster));
  return same ? [] : [difference(file, cluster, path)];
}

function difference(file: Node | undefined, cluster: Node | undefined, path: string): Difference {
  return {
    path,
    ...(file ? { file: { value: shown(file), from: formatOrigin(file.origin) } } : {}),
    ...(cluster ? { cluster: { value: shown(cluster) } } : {}),
  };
}

function hide({ path, file, cluster }: Difference): Difference {
  return {
    path,
    ...(file ? { file: { ...file, value: HIDDEN } } : {}),
    ...(cluster ? { cluster: { value: HIDDEN } } : {}),
  };
}

/** The entries by what names them; undefined for a list of plain values, or where names repeat. */
function byKey(items: readonly Node[]): ReadonlyMap<string, Node> | undefined {
  const named = new Map<string, Node>();
  for (const item of items) {
    const key = keyOf(item);
    if (key === undefined || named.has(key)) return undefined;
    named.set(key, item);
  }
  return named;
}

function keyOf(item: Node): string | undefined {
  if (item.kind !== 'map') return undefined;
  for (const name of KEYS) {
    const value = item.fields.get(name);
    if (value?.kind === 'scalar') return String(value.value);
  }
  return undefined;
}

/** The plain value, what names tell to be a secret hidden, at any depth. */
function shown(node: Node): Json {
  if (node.kind === 'list') return node.items.map(shown);
  if (node.kind === 'scalar') return node.value;
  const secret = isSecretName(stringAt(node, 'name') ?? '');
  return Object.fromEntries(
    [...node.fields].map(([name, value]) => [name, secret && name === 'value' ? HIDDEN : shown(value)]),
  );
}

/** The plain value with the fields of maps in one order. */
function sorted(node: Node): Json {
  if (node.kind === 'scalar') return toJson(node);
  if (node.kind === 'list') return node.items.map(sorted);
  const fields = [...node.fields].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(fields.map(([name, value]) => [name, sorted(value)]));
}

function join(path: string, name: string): string {
  if (/[./]/.test(name)) return `${path}[${name}]`;
  return path === '' ? name : `${path}.${name}`;
}

function formatOrigin(origin: Origin): string {
  switch (origin.kind) {
    case 'file':
      return formatPosition(origin.at);
    case 'flag':
      return origin.flag;
    case 'local':
      return origin.reason;
    case 'operator':
    case 'runtime':
      return origin.source;
  }
}
