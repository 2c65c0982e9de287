import type { Diagnostic } from '../model/diagnostic.ts';
import type { Graph } from '../model/graph.ts';
import { type MapNode, map, type Node } from '../model/node.ts';

function pruneNode<N extends Node>(node: N, places: ReadonlySet<string>): N;
function pruneNode(node: Node, places: ReadonlySet<string>): Node {
  if (node.kind === 'scalar') return node;
  if (node.kind === 'list') return { ...node, items: node.items.map((item) => pruneNode(item, places)) };
  const isKnown = (key: string): boolean => {
    const origin = node.keys?.get(key) ?? node.fields.get(key)?.origin;
    return origin?.kind !== 'file' || !places.has(`${origin.at.line}:${origin.at.col}`);
  };
  const fields = [...node.fields].filter(([key]) => isKnown(key));
  const pruned: MapNode = map(
    fields.map(([key, value]) => [key, pruneNode(value, places)]),
    node.origin,
  );
  return node.keys ? { ...pruned, keys: node.keys } : pruned;
}

/** The graph without the fields that the API server does not know, which it drops where nobody asks it to be strict. */
export function pruneUnknown(graph: Graph, problems: readonly Diagnostic[]): Graph {
  const unknown = problems.filter(({ code, at }) => code === 'UNKNOWN_FIELD' && at !== undefined);
  if (unknown.length === 0) return graph;
  const places = new Set(unknown.map(({ at }) => `${at?.line}:${at?.col}`));
  return {
    ...graph,
    metadata: pruneNode(graph.metadata, places),
    spec: pruneNode(graph.spec, places),
    components: graph.components.map((component) => ({ ...component, written: pruneNode(component.written, places) })),
  };
}
