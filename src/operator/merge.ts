import { type MapNode, map, type Node } from '../model/node.ts';
import type { Origin } from '../model/origin.ts';
import { fieldKind, isZero } from './field-kinds.ts';
import type { MergoDialect } from './generation.ts';

/**
 * `mergo.Merge(&base, user, WithOverride)` on objects of a PodSpec: the user's value wins, but zero values and empty lists do not
 * count. Every value keeps the origin of the side it came from (facts/operator.md §4.2, the results of both library versions).
 */
export function mergeOver(base: MapNode, user: MapNode, dialect: MergoDialect, name = ''): MapNode {
  const fields = new Map<string, Node>(base.fields);
  const keys = new Map<string, Origin>([...(base.keys ?? []), ...(user.keys ?? [])]);
  for (const [key, value] of user.fields) {
    const merged = mergeField(base.fields.get(key), value, dialect, key, name);
    if (merged !== undefined) fields.set(key, merged);
  }
  return { ...map(fields, user.fields.size > 0 ? user.origin : base.origin), ...(keys.size > 0 ? { keys } : {}) };
}

function mergeField(
  base: Node | undefined,
  user: Node,
  dialect: MergoDialect,
  key: string,
  parent: string,
): Node | undefined {
  const kind = fieldKind(key, parent, user);
  switch (kind) {
    case 'slice':
      // Never appended, never blanked: `command: []` keeps the default.
      return user.kind === 'list' && user.items.length > 0 ? user : base;
    case 'scalar':
      return isZero(user) ? base : user;
    case 'pointer':
      // v0.3.16 looks through the pointer, so a written 0 loses against a default.
      return base !== undefined && dialect === 'v0.3.16' && isZero(user) ? base : user;
    case 'intOrString':
      return mergeIntOrString(base, user);
    case 'map':
      return base?.kind === 'map' && user.kind === 'map' ? overlay(base, user) : user;
    case 'struct':
      return base?.kind === 'map' && user.kind === 'map' ? mergeOver(base, user, dialect, key) : user;
    case 'pointerToStruct':
      // v0.3.6 replaces what a pointer points to, v0.3.16 goes into it: an exec probe then joins a default httpGet.
      if (base?.kind !== 'map' || user.kind !== 'map' || dialect === 'v0.3.6') return user;
      return mergeOver(base, user, dialect, key);
  }
}

/** IntOrString is a struct whose type Int is 0, so a number never replaces a named port. */
function mergeIntOrString(base: Node | undefined, user: Node): Node | undefined {
  if (base?.kind !== 'scalar' || user.kind !== 'scalar') return user;
  if (isZero(user)) return base;
  return typeof base.value === 'string' && typeof user.value === 'number' ? base : user;
}

function overlay(base: MapNode, user: MapNode): MapNode {
  return map([...base.fields, ...user.fields], user.fields.size > 0 ? user.origin : base.origin);
}
