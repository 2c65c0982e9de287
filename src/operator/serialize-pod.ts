import { list, type MapNode, map, type Node, scalar } from '../model/node.ts';
import { canonicalQuantity } from './canonical-quantity.ts';
import { isWritten } from './field-kinds.ts';

/** Objects whose values are quantities, and single fields that are one. */
const QUANTITY_MAPS: ReadonlySet<string> = new Set(['limits', 'requests', 'overhead']);
const QUANTITIES: ReadonlySet<string> = new Set(['sizeLimit', 'divisor', 'storage']);

/**
 * The object as Go writes it to the API server: zero values, empty lists and empty maps left out, quantities in canonical form.
 * So `env: {name: A, value: ''}` has no `value`, which a kubelet reads as the empty string.
 */
export function serializePod(node: MapNode, name = ''): MapNode {
  const fields: (readonly [string, Node])[] = [];
  for (const [key, value] of node.fields) {
    const serialized = serializeValue(value, key, name);
    if (isWritten(key, name, serialized)) fields.push([key, serialized]);
  }
  return { ...node, fields: map(fields, node.origin).fields };
}

function serializeValue(node: Node, key: string, parent: string): Node {
  switch (node.kind) {
    case 'map':
      return serializePod(node, key);
    case 'list':
      return list(
        node.items.map((item) => serializeValue(item, '', key)),
        node.origin,
      );
    case 'scalar':
      if (!QUANTITY_MAPS.has(parent) && !QUANTITIES.has(key)) return node;
      return node.value === null ? node : scalar(canonicalQuantity(String(node.value)), node.origin);
  }
}
