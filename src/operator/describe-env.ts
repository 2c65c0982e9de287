import { at, fromJson, itemsAt, type MapNode, map, mapAt, type Node, scalar, stringAt } from '../model/node.ts';
import { nameOf } from './edit-node.ts';

/** Keys of the Secrets and ConfigMaps that are known, by name: never a value. */
export interface KnownKeys {
  readonly secrets: ReadonlyMap<string, readonly string[]>;
  readonly configMaps: ReadonlyMap<string, readonly string[]>;
}

const SOURCES = [
  ['secretRef', 'secretKeyRef', 'secrets'],
  ['configMapRef', 'configMapKeyRef', 'configMaps'],
] as const;

/**
 * The environment of a container by name: `value`, or what it is read from; what `envFrom` brings stands as if each key were named,
 * and gives way to `env` as with a kubelet.
 */
export function describeEnv(container: MapNode, known: KnownKeys): MapNode {
  const fields = new Map<string, Node>();
  for (const source of itemsAt(container, 'envFrom')) {
    const prefix = stringAt(source, 'prefix') ?? '';
    for (const [reference, keyReference, kind] of SOURCES) {
      const name = stringAt(source, reference, 'name') ?? '';
      for (const key of known[kind].get(name) ?? [])
        fields.set(prefix + key, fromJson({ [keyReference]: { name, key } }, source.origin));
    }
  }
  for (const entry of itemsAt(container, 'env')) fields.set(nameOf(entry), envValue(entry));
  return map([...fields], at(container, 'env')?.origin ?? container.origin);
}

function envValue(entry: Node): Node {
  return at(entry, 'value') ?? mapAt(entry, 'valueFrom') ?? scalar('', entry.origin);
}
