import { list, type MapNode, map, type Node, scalar } from '../model/node.ts';
import type { OperatorGeneration, Origin } from '../model/origin.ts';
import { operatorOrigin } from './generation.ts';

/**
 * Defaults that the CRD schema itself writes into an object (`default:` in config/crd/bases), by the name of the object and the
 * field whose presence tells which object it is. All four CRDs agree on those they share.
 */
const DEFAULTS: readonly {
  readonly object: string;
  readonly field: string;
  readonly value: string | number | boolean;
}[] = [
  { object: 'ports', field: 'protocol', value: 'TCP' },
  { object: 'grpc', field: 'service', value: '' },
  { object: 'fileKeyRef', field: 'optional', value: false },
  { object: 'multinode', field: 'nodeCount', value: 2 },
  { object: 'kvTransferPolicy', field: 'enforcement', value: 'required' },
];

/** What the API server makes of a written object before any operator sees it: nulls pruned, the CRD's defaults filled in. */
export function admitObject(node: MapNode, generation: OperatorGeneration): MapNode {
  return admitMap(node, '', operatorOrigin(generation, 'config/crd/bases/nvidia.com_dynamographdeployments.yaml'));
}

function admitMap(node: MapNode, name: string, origin: Origin): MapNode {
  const fields: (readonly [string, Node])[] = [];
  for (const [key, value] of node.fields) {
    const admitted = admitNode(value, key, origin);
    if (admitted) fields.push([key, admitted]);
  }
  for (const { object, field, value } of DEFAULTS) {
    if (object === name && !node.fields.has(field)) fields.push([field, scalar(value, origin)]);
  }
  return { ...node, fields: map(fields, node.origin).fields };
}

function admitNode(node: Node, name: string, origin: Origin): Node | undefined {
  switch (node.kind) {
    case 'map':
      return admitMap(node, name, origin);
    case 'list':
      return list(
        node.items.flatMap((item) => admitNode(item, name, origin) ?? []),
        node.origin,
      );
    case 'scalar':
      return node.value === null ? undefined : node;
  }
}
