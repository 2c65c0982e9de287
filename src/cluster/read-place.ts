import { fromJson, itemsAt, stringAt } from '../model/node.ts';
import type { Kubectl } from './kubectl.ts';

/** Where a graph is, in the words of the kubeconfig. */
export interface ClusterPlace {
  /** Undefined where no kubeconfig names it: inside a pod. */
  readonly cluster: string | undefined;
  readonly namespace: string;
}

/** The cluster of the chosen context, and the namespace that kubectl takes where none is given. Of the kubeconfig only these names are read. */
export async function readPlace(kubectl: Kubectl, namespace: string | undefined): Promise<ClusterPlace> {
  const view = await kubectl.json(['config', 'view', '--minify']).catch(() => null);
  const [context] = itemsAt(fromJson(view, { kind: 'flag', flag: 'the kubeconfig' }), 'contexts');
  return {
    cluster: stringAt(context, 'context', 'cluster'),
    namespace: namespace ?? stringAt(context, 'context', 'namespace') ?? 'default',
  };
}
