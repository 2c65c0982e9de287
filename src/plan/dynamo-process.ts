import { itemsAt, type MapNode, stringAt } from '../model/node.ts';

/**
 * Variables by which a container of a pod tells that a Dynamo runtime starts in it: the operator gives the first to every container that
 * it completes (the main one, the engines of a failover pod, a frontend sidecar of any name); whoever writes the second means the runtime.
 */
const MARKS: readonly string[] = ['DYN_PARENT_DGD_K8S_NAME', 'DYN_DISCOVERY_BACKEND'];

/** True for containers that join the graph: they need what this machine has in place of the cluster. Others stay as they are. */
export function isDynamoProcess(container: MapNode): boolean {
  return itemsAt(container, 'env').some((item) => MARKS.includes(stringAt(item, 'name') ?? ''));
}
