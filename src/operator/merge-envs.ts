import { type MapNode, map, type Node, scalar } from '../model/node.ts';
import type { Origin } from '../model/origin.ts';
import { compareText, nameOf } from './edit-node.ts';

/**
 * `MergeEnvs`: by name, the later list wins the whole variable, the result sorted by name
 * [041 graph.go:287, 102 graph.go:472, 150 graph.go:718].
 */
export function mergeEnvs(common: readonly Node[], specific: readonly Node[]): readonly Node[] {
  const byName = new Map<string, Node>();
  for (const variable of [...common, ...specific]) byName.set(nameOf(variable), variable);
  return [...byName.values()].toSorted((a, b) => compareText(nameOf(a), nameOf(b)));
}

/** One `{name, value}`. */
export function envVar(name: string, value: string, origin: Origin): MapNode {
  return map(
    [
      ['name', scalar(name, origin)],
      ['value', scalar(value, origin)],
    ],
    origin,
  );
}

/** One variable that is a field of the pod. */
export function fieldEnv(name: string, fieldPath: string, origin: Origin): MapNode {
  const fieldRef = map([['fieldPath', scalar(fieldPath, origin)]], origin);
  const valueFrom = map([['fieldRef', fieldRef]], origin);
  return map(
    [
      ['name', scalar(name, origin)],
      ['valueFrom', valueFrom],
    ],
    origin,
  );
}
