import { type MapNode, map, mapAt, type Node, withField } from '../model/node.ts';

/** Fields of `metadata` that only a cluster writes (k8s.io/apimachinery meta/v1 types.go, ObjectMeta). */
const METADATA = [
  'creationTimestamp',
  'deletionGracePeriodSeconds',
  'deletionTimestamp',
  'finalizers',
  'generation',
  'managedFields',
  'ownerReferences',
  'resourceVersion',
  'selfLink',
  'uid',
];

/** Annotations that kubectl and the operator write (facts: worker hash, conversion data, origin version). */
const ANNOTATIONS = [
  'kubectl.kubernetes.io/last-applied-configuration',
  'nvidia.com/current-worker-hash',
  'nvidia.com/current-worker-hash-v2',
  'nvidia.com/dgd-spec',
  'nvidia.com/dgd-status',
  'nvidia.com/dynamo-operator-origin-version',
];

/** The annotation in which the operator keeps what v1beta1 cannot say of a graph that was written as v1alpha1. */
export const ALPHA_DATA = 'nvidia.com/dgd-spec';

/** An object of a cluster as a person would have written it: no status, nothing that the cluster made, no nulls. */
export function stripObject(object: MapNode): MapNode {
  const metadata = dropFields(mapAt(object, 'metadata') ?? map([], object.origin), METADATA);
  const annotations = dropFields(mapAt(metadata, 'annotations') ?? map([], object.origin), ANNOTATIONS);
  const own = withField(metadata, 'annotations', annotations.fields.size > 0 ? annotations : undefined);
  return pruned(withField(dropFields(object, ['status']), 'metadata', own));
}

function dropFields(node: MapNode, names: readonly string[]): MapNode {
  return map(
    [...node.fields].filter(([name]) => !names.includes(name)),
    node.origin,
  );
}

function pruned(node: MapNode): MapNode {
  return map(
    [...node.fields].flatMap(([name, value]) => (isNull(value) ? [] : [[name, pruneNode(value)] as const])),
    node.origin,
  );
}

function pruneNode(node: Node): Node {
  if (node.kind === 'map') return pruned(node);
  return node.kind === 'list' ? { ...node, items: node.items.map(pruneNode) } : node;
}

function isNull(node: Node): boolean {
  return node.kind === 'scalar' && node.value === null;
}
