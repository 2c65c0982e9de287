import { type Diagnostic, UserError } from '../model/diagnostic.ts';
import type { Graph } from '../model/graph.ts';
import { at, fromJson, itemsAt, mapAt, type Node, numberAt, stringAt } from '../model/node.ts';
import type { Kubectl } from './kubectl.ts';

/** What a cluster has room for, as far as the user may see it; undefined: not to be seen. */
export interface ClusterFacts {
  /** Allocatable GPUs of the nodes that take pods, by product. */
  readonly gpus: ReadonlyMap<string, number> | undefined;
  readonly storageClasses: readonly { readonly name: string; readonly isDefault: boolean }[] | undefined;
}

const GPU = 'nvidia.com/gpu';
/** A label of NVIDIA's GPU feature discovery. */
const PRODUCT = 'nvidia.com/gpu.product';
const DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class';

/** Asks for nodes and storage classes; what cannot be had is left out. */
export async function readFacts(kubectl: Kubectl): Promise<ClusterFacts> {
  const [nodes, classes] = await Promise.all(['nodes', 'storageclasses'].map((kind) => list(kubectl, kind)));
  return {
    gpus: nodes && countGpus(nodes),
    storageClasses: classes?.map((item) => ({
      name: stringAt(item, 'metadata', 'name') ?? '',
      isDefault: stringAt(item, 'metadata', 'annotations', DEFAULT_CLASS) === 'true',
    })),
  };
}

async function list(kubectl: Kubectl, kind: string): Promise<readonly Node[] | undefined> {
  try {
    const answer = await kubectl.json(['get', kind]);
    return itemsAt(fromJson(answer, { kind: 'flag', flag: 'the cluster' }), 'items');
  } catch (error) {
    // Good to know and no more: what is wrong with the cluster is said where it matters.
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

function countGpus(nodes: readonly Node[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const node of nodes) {
    const count = at(node, 'status', 'allocatable', GPU);
    const gpus = count?.kind === 'scalar' ? Number(count.value) : 0;
    if (gpus === 0 || at(node, 'spec', 'unschedulable')) continue;
    const product = stringAt(node, 'metadata', 'labels', PRODUCT) ?? 'GPU';
    counts.set(product, (counts.get(product) ?? 0) + gpus);
  }
  return counts;
}

/** Warnings for what the graph wants and the cluster has no room for; it may still get it: clusters grow. */
export function judgeRoom({ gpus, storageClasses }: ClusterFacts, graph: Graph): readonly Diagnostic[] {
  const needed = graph.components.reduce((sum, { written }) => sum + gpusOf(written), 0);
  const have = [...(gpus?.values() ?? [])].reduce((sum, count) => sum + count, 0);
  const products = [...(gpus ?? [])].map(([product, count]) => `${count} × ${product}`).join(', ') || 'none';
  const short: readonly Diagnostic[] =
    gpus === undefined || needed <= have
      ? []
      : [
          {
            severity: 'warning',
            code: 'CLUSTER_GPUS',
            message: `the graph asks for ${needed} GPUs; the nodes of the cluster have ${products}`,
            hint: 'pods wait until there are more, unless the cluster adds nodes by itself',
          },
        ];
  return [...short, ...claimsWithoutClass(graph, storageClasses)];
}

/** GPUs of all replicas of a component or service, of every node of each. */
function gpusOf(written: Node): number {
  const containers = [
    ...itemsAt(written, 'podTemplate', 'spec', 'containers'),
    ...itemsAt(written, 'podTemplate', 'spec', 'initContainers'),
  ];
  const each = containers.reduce((sum, container) => sum + numberOf(at(container, 'resources', 'limits', GPU)), 0);
  const service = numberOf(at(written, 'resources', 'limits', 'gpu'));
  const replicas = numberAt(written, 'replicas') ?? 1;
  return (each + service) * replicas * (numberAt(written, 'multinode', 'nodeCount') ?? 1);
}

function numberOf(node: Node | undefined): number {
  const number = node?.kind === 'scalar' ? Number(node.value) : 0;
  return Number.isFinite(number) ? number : 0;
}

function claimsWithoutClass(graph: Graph, classes: ClusterFacts['storageClasses']): readonly Diagnostic[] {
  if (classes === undefined) return [];
  return [...graph.companions.claims].flatMap(([name, claim]): readonly Diagnostic[] => {
    const wanted = stringAt(claim, 'spec', 'storageClassName');
    const isBound = mapAt(claim, 'spec')?.fields.has('volumeName') ?? false;
    const known =
      wanted === undefined ? classes.some(({ isDefault }) => isDefault) : classes.some((one) => one.name === wanted);
    if (known || isBound || wanted === '') return [];
    const names = classes.map((one) => one.name).join(', ') || 'none';
    const lacks = wanted === undefined ? 'no default storage class' : `no storage class ${wanted}`;
    return [
      {
        severity: 'warning',
        code: 'STORAGE_CLASS',
        message: `claim ${name}: the cluster has ${lacks}, so nothing may ever bind it (there are: ${names})`,
        ...(claim.origin.kind === 'file' ? { at: claim.origin.at } : {}),
        hint: 'name one in spec.storageClassName',
      },
    ];
  });
}
