import type { Diagnostic, Severity } from '../model/diagnostic.ts';
import type { Graph } from '../model/graph.ts';
import type { MapNode, Node } from '../model/node.ts';

/** A graph written in another way, and what that way has no words for. */
export interface Conversion {
  readonly graph: Graph;
  readonly diagnostics: readonly Diagnostic[];
}

/** Says that a value is not in the output, at the place where it was written. */
export function leftOut(what: string, node: Node, why: string, severity: Severity = 'warning'): Diagnostic {
  return {
    severity,
    code: 'LEFT_OUT',
    message: `${what} is left out: ${why}`,
    ...(node.origin.kind === 'file' ? { at: node.origin.at } : {}),
  };
}

/** One diagnostic for each field that is not among the known ones. */
export function leftOutFields(
  node: MapNode | undefined,
  known: ReadonlySet<string>,
  path: string,
  why: string | ((field: string) => string),
): readonly Diagnostic[] {
  return [...(node?.fields ?? [])].flatMap(([field, value]) =>
    known.has(field) ? [] : [leftOut(`${path}.${field}`, value, typeof why === 'string' ? why : why(field))],
  );
}
