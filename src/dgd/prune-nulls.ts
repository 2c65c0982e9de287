import type { MapNode, Node } from '../model/node.ts';

function isNull(node: Node): boolean {
  return node.kind === 'scalar' && node.value === null;
}

/** Leaves out map fields that are null, as the API server does before it looks at a document. */
function pruneNulls(node: Node): Node {
  switch (node.kind) {
    case 'scalar':
      return node;
    case 'list':
      return { ...node, items: node.items.map(pruneNulls) };
    case 'map':
      return pruneMap(node);
  }
}

/** The same for a map, which stays one. */
export function pruneMap(node: MapNode): MapNode {
  const kept = [...node.fields].filter(([, value]) => !isNull(value));
  return { ...node, fields: new Map(kept.map(([key, value]) => [key, pruneNulls(value)])) };
}
