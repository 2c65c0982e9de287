import { type Diagnostic, UserError } from '../model/diagnostic.ts';
import type { Graph } from '../model/graph.ts';
import { at, fromJson, itemsAt, type Json, mapAt, type Node, numberAt, stringAt } from '../model/node.ts';
import type { Kubectl } from './kubectl.ts';

/** What a cluster has room for, as far as the user may see it; undefined: not to be seen. */
export interface ClusterFacts {
  /** Allocatable GPUs of the nodes that take pods, by product. */
  readonly gpus: ReadonlyMap<string, number> | undefined;
  readonly storageClasses: readonly { readonly name: string; readonly isDefault: boolean }[] | undefined;
  readonly operator: OperatorFacts | undefined;
  /** What can start the pods of one replica on several nodes together; undefined: not to be seen. */
  readonly orchestrators: readonly string[] | undefined;
}

interface OperatorFacts {
  /** Of the chart's label `app.kubernetes.io/version`. */
  readonly version: string | undefined;
  readonly runs: boolean;
}

const GPU = 'nvidia.com/gpu';
/** The label of the operator's chart [deploy/helm/charts/platform/components/operator/templates/_helpers.tpl, selectorLabels]. */
const OPERATOR = 'app.kubernetes.io/name=dynamo-operator';
const VERSION = 'app.kubernetes.io/version';
/** API groups of the two that the operator can use (operator.md §7). */
const ORCHESTRATORS: Readonly<Record<string, string>> = {
  'grove.io': 'Grove',
  'leaderworkerset.x-k8s.io': 'LeaderWorkerSet',
};
/** A label of NVIDIA's GPU feature discovery. */
const PRODUCT = 'nvidia.com/gpu.product';
const DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class';

/** Asks for nodes, storage classes, the operator and API groups; what cannot be had is left out. */
export async function readFacts(kubectl: Kubectl): Promise<ClusterFacts> {
  const [nodes, classes, deployments, groups] = await Promise.all([
    list(kubectl.json(['get', 'nodes']), 'items'),
    list(kubectl.json(['get', 'storageclasses']), 'items'),
    list(kubectl.json(['get', 'deployments', '--all-namespaces', `--selector=${OPERATOR}`]), 'items'),
    list(kubectl.raw('/apis'), 'groups'),
  ]);
  return {
    gpus: nodes && countGpus(nodes),
    storageClasses: classes?.map((item) => ({
      name: stringAt(item, 'metadata', 'name') ?? '',
      isDefault: stringAt(item, 'metadata', 'annotations', DEFAULT_CLASS) === 'true',
    })),
    operator: deployments && readOperator(deployments),
    orchestrators: groups?.flatMap((group) => ORCHESTRATORS[stringAt(group, 'name') ?? ''] ?? []),
  };
}

async function list(answer: Promise<Json>, field: string): Promise<readonly Node[] | undefined> {
  try {
    return itemsAt(fromJson(await answer, { kind: 'flag', flag: 'the cluster' }), field);
  } catch (error) {
    // Good to know and no more: what is wrong with the cluster is said where it matters.
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** An operator that somebody installed in another way has no such label: nothing is known of it then. */
function readOperator(deployments: readonly Node[]): OperatorFacts | undefined {
  if (deployments.length === 0) return undefined;
  return {
    version: deployments.map((item) => stringAt(item, 'metadata', 'labels', VERSION)).find(Boolean),
    runs: deployments.some((item) => (numberAt(item, 'status', 'availableReplicas') ?? 0) > 0),
  };
}

/** One line about the cluster; undefined where nothing of it is to be seen. */
export function describeFacts({ gpus, operator, orchestrators }: ClusterFacts): Diagnostic | undefined {
  const parts = [
    ...(operator === undefined ? [] : [`operator ${operator.version ?? 'of unknown version'}`]),
    ...(orchestrators ?? []),
    ...(gpus === undefined ? [] : [describeGpus(gpus)]),
  ];
  if (parts.length === 0) return undefined;
  return { severity: 'notice', code: 'CLUSTER', message: `the cluster has ${parts.join(', ')}` };
}

function describeGpus(gpus: ReadonlyMap<string, number>): string {
  return [...gpus].map(([product, count]) => `${count} × ${product}`).join(', ') || 'no GPU';
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
export function judgeRoom(facts: ClusterFacts, graph: Graph): readonly Diagnostic[] {
  const { gpus, storageClasses } = facts;
  const needed = graph.components.reduce((sum, { written }) => sum + gpusOf(written), 0);
  const have = [...(gpus?.values() ?? [])].reduce((sum, count) => sum + count, 0);
  const products = describeGpus(gpus ?? new Map());
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
  return [...judgeOperator(facts), ...short, ...spansNodes(graph, facts), ...claimsWithoutClass(graph, storageClasses)];
}

function judgeOperator({ operator }: ClusterFacts): readonly Diagnostic[] {
  if (operator === undefined || operator.runs) return [];
  return [
    {
      severity: 'warning',
      code: 'OPERATOR_DOWN',
      message: 'the Dynamo operator of the cluster does not run: nobody will look at the graph',
      hint: `kubectl get pods -A -l ${OPERATOR}`,
    },
  ];
}

/** The operator's `no multinode orchestrator available` [150 internal/controller/dgd_component_program.go:99-109]. */
function spansNodes(graph: Graph, { orchestrators }: ClusterFacts): readonly Diagnostic[] {
  if (orchestrators === undefined || orchestrators.length > 0) return [];
  return graph.components.flatMap(({ name, written }): readonly Diagnostic[] => {
    const nodes = at(written, 'multinode', 'nodeCount');
    if (nodes?.kind !== 'scalar' || Number(nodes.value) < 2) return [];
    return [
      {
        severity: 'warning',
        code: 'NO_ORCHESTRATOR',
        message: `${name} spans ${nodes.value} nodes, and the cluster has neither Grove nor LeaderWorkerSet: its operator cannot make it`,
        ...(nodes.origin.kind === 'file' ? { at: nodes.origin.at } : {}),
        hint: 'install one of them there',
      },
    ];
  });
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
