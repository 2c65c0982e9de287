import { EXIT, UserError } from '../model/diagnostic.ts';
import type { ApiVersion } from '../model/graph.ts';
import { fromJson, type MapNode, stringAt } from '../model/node.ts';
import type { Kubectl } from './kubectl.ts';
import { ALPHA_DATA, stripObject } from './strip-object.ts';

/** Where a graph is in a cluster; without a namespace, that of kubectl's context. */
export interface GraphAddress {
  readonly name: string;
  readonly namespace: string | undefined;
}

/** `--namespace=N`, or nothing. */
export function namespaceFlag(namespace: string | undefined): readonly string[] {
  return namespace === undefined ? [] : [`--namespace=${namespace}`];
}

/**
 * The graph as the cluster has it, stripped of what the cluster made. `version` asks for it in that API version; without, in the
 * version that it was written in. Rejects with what `kubectl` rejects with (NOT_THERE, CRD_MISSING …).
 */
export async function getGraph(kubectl: Kubectl, address: GraphAddress, version?: ApiVersion): Promise<MapNode> {
  const object = await fetchGraph(kubectl, address, version);
  // The v1beta1 form of a graph written as v1alpha1 keeps its claims and ingresses in an annotation alone.
  const writtenAsAlpha = version === undefined && stringAt(object, 'metadata', 'annotations', ALPHA_DATA) !== undefined;
  return stripObject(writtenAsAlpha ? await fetchGraph(kubectl, address, 'nvidia.com/v1alpha1') : object);
}

/** What names the graph on kubectl's command line. */
export function graphResource({ name, namespace }: GraphAddress, version?: ApiVersion): readonly string[] {
  const group = version === undefined ? 'nvidia.com' : `${version.split('/')[1]}.nvidia.com`;
  return [`dynamographdeployments.${group}/${name}`, ...namespaceFlag(namespace)];
}

/** The same as the cluster has it, status and all. */
export async function fetchGraph(kubectl: Kubectl, address: GraphAddress, version?: ApiVersion): Promise<MapNode> {
  const answer = await kubectl.json(['get', ...graphResource(address, version)]);
  const node = fromJson(answer, { kind: 'flag', flag: 'the cluster' });
  if (node.kind === 'map') return node;
  throw new UserError('KUBECTL_FAILED', 'kubectl gave no object', { exitCode: EXIT.preflight });
}
