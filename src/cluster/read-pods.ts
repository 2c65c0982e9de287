import type { Stage } from '../model/event.ts';
import { fromJson, itemsAt, type MapNode, mapAt, type Node, numberAt, stringAt, stringsAt } from '../model/node.ts';
import { type GraphAddress, namespaceFlag } from './get-graph.ts';
import type { Kubectl } from './kubectl.ts';

/** What keeps a pod from getting ready, in the words of the cluster. */
export interface PodTrouble {
  readonly code: 'POD_UNSCHEDULABLE' | 'IMAGE_PULL' | 'CONTAINER_CONFIG' | 'CRASH_LOOP' | 'POD_FAILED';
  readonly message: string;
  readonly hint: string;
  /** The container that it is about; undefined: the pod. */
  readonly container: string | undefined;
  readonly ended: { readonly exitCode: number; readonly oomKilled: boolean } | undefined;
  /** Nobody mends it by waiting: the pod has failed, or has been started again so often that it will not come up. */
  readonly hopeless: boolean;
}

/** One pod of a graph in the words of `up`. */
export interface PodState {
  readonly name: string;
  readonly component: string;
  readonly stage: Stage;
  readonly detail: string | undefined;
  readonly restarts: number;
  readonly trouble: PodTrouble | undefined;
  /** Where its containers listen, by the names of their ports. */
  readonly ports: ReadonlyMap<string, number>;
  /** `frontend`, `worker`, `prefill`, … */
  readonly type: string | undefined;
  /** Of a frontend, as its environment or its arguments say. */
  readonly routerMode: string | undefined;
}

/** Labels that every operator puts on the pods of a graph (operator.md §3.5). */
const GRAPH_LABEL = 'nvidia.com/dynamo-graph-deployment-name';
const COMPONENT_LABEL = 'nvidia.com/dynamo-component';
const TYPE_LABEL = 'nvidia.com/dynamo-component-type';
const SUB_TYPE_LABEL = 'nvidia.com/dynamo-sub-component-type';
/** Starts after which a container that keeps ending is given up. */
const HOPELESS_RESTARTS = 3;

const PULL_REASONS: readonly string[] = ['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull'];
const CONFIG_REASONS: readonly string[] = ['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError'];

/** What selects the pods of a graph on kubectl's command line. */
export function podSelector({ name, namespace }: GraphAddress): readonly string[] {
  return ['pods', `--selector=${GRAPH_LABEL}=${name}`, ...namespaceFlag(namespace)];
}

/** The pods of a graph, by name. Rejects with what `kubectl` rejects with. */
export async function readPods(kubectl: Kubectl, address: GraphAddress): Promise<readonly PodState[]> {
  const answer = fromJson(await kubectl.json(['get', ...podSelector(address)]), { kind: 'flag', flag: 'the cluster' });
  return itemsAt(answer, 'items')
    .flatMap((item) => (item.kind === 'map' ? [podState(item)] : []))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** A pod as the API server has it, in the stages of `up`. */
function podState(pod: MapNode): PodState {
  const name = stringAt(pod, 'metadata', 'name') ?? '';
  const labels = mapAt(pod, 'metadata', 'labels');
  const statuses = [...itemsAt(pod, 'status', 'initContainerStatuses'), ...itemsAt(pod, 'status', 'containerStatuses')];
  const restarts = statuses.reduce((sum, status) => sum + (numberAt(status, 'restartCount') ?? 0), 0);
  const trouble = findTrouble(pod, name, statuses);
  const { stage, detail } = stageOf(pod, statuses, trouble);
  return {
    name,
    component: stringAt(labels, COMPONENT_LABEL) ?? name,
    stage,
    detail,
    restarts,
    trouble,
    ports: portsOf(pod),
    type: stringAt(labels, SUB_TYPE_LABEL) ?? stringAt(labels, TYPE_LABEL),
    routerMode: readRouterMode(pod),
  };
}

function readRouterMode(pod: MapNode): string | undefined {
  for (const container of itemsAt(pod, 'spec', 'containers')) {
    const words = [...(stringsAt(container, 'command') ?? []), ...(stringsAt(container, 'args') ?? [])].join(' ');
    const flag = /--router-mode[ =](\S+)/.exec(words)?.[1];
    const entry = itemsAt(container, 'env').find((item) => stringAt(item, 'name') === 'DYN_ROUTER_MODE');
    const mode = flag ?? stringAt(entry, 'value');
    if (mode !== undefined) return mode;
  }
  return undefined;
}

function portsOf(pod: MapNode): ReadonlyMap<string, number> {
  return new Map(
    itemsAt(pod, 'spec', 'containers').flatMap((container) =>
      itemsAt(container, 'ports').flatMap((port): [string, number][] => {
        const number = numberAt(port, 'containerPort');
        return number === undefined ? [] : [[stringAt(port, 'name') ?? String(number), number]];
      }),
    ),
  );
}

function condition(pod: MapNode, type: string): Node | undefined {
  return itemsAt(pod, 'status', 'conditions').find((entry) => stringAt(entry, 'type') === type);
}

function isTrue(node: Node | undefined): boolean {
  return stringAt(node, 'status') === 'True';
}

/** A container that its probes restart again and again is seen by that alone. */
function restartsOf(statuses: readonly Node[]): string | undefined {
  const most = Math.max(0, ...statuses.map((status) => numberAt(status, 'restartCount') ?? 0));
  return most === 0 ? undefined : `restarted ${most === 1 ? 'once' : `${most} times`}`;
}

function stageOf(
  pod: MapNode,
  statuses: readonly Node[],
  trouble: PodTrouble | undefined,
): { readonly stage: Stage; readonly detail: string | undefined } {
  if (mapAt(pod, 'metadata')?.fields.has('deletionTimestamp')) return { stage: 'stopping', detail: undefined };
  switch (trouble?.code) {
    case 'POD_UNSCHEDULABLE':
      return { stage: 'waiting', detail: trouble.message };
    case 'IMAGE_PULL':
      return { stage: 'pulling', detail: trouble.message };
    case 'CRASH_LOOP':
      return { stage: 'restarting', detail: trouble.message };
    case 'CONTAINER_CONFIG':
    case 'POD_FAILED':
      return { stage: 'failed', detail: trouble.message };
    default:
  }
  if (isTrue(condition(pod, 'Ready'))) return { stage: 'ready', detail: undefined };
  if (stringAt(pod, 'status', 'phase') === 'Running') return { stage: 'started', detail: restartsOf(statuses) };
  if (!isTrue(condition(pod, 'PodScheduled'))) return { stage: 'waiting', detail: undefined };
  const initialises = statuses.some((status) => mapAt(status, 'state', 'running') !== undefined);
  return { stage: initialises ? 'starting' : 'created', detail: undefined };
}

/** The first thing that is wrong: where it is placed, then container by container, in their order. */
function findTrouble(pod: MapNode, name: string, statuses: readonly Node[]): PodTrouble | undefined {
  const placed = condition(pod, 'PodScheduled');
  if (stringAt(placed, 'reason') === 'Unschedulable') {
    return {
      code: 'POD_UNSCHEDULABLE',
      message: `no node takes ${name}: ${stringAt(placed, 'message') ?? 'the scheduler does not say why'}`,
      hint: 'kubectl describe nodes shows what is allocated; fewer replicas or GPUs, or another node pool',
      container: undefined,
      ended: undefined,
      hopeless: false,
    };
  }
  for (const status of statuses) {
    const trouble = containerTrouble(status);
    if (trouble !== undefined) return trouble;
  }
  if (stringAt(pod, 'status', 'phase') !== 'Failed') return undefined;
  const reason = [stringAt(pod, 'status', 'reason'), stringAt(pod, 'status', 'message')].filter(Boolean).join(': ');
  return {
    code: 'POD_FAILED',
    message: `${name} has failed${reason === '' ? '' : `: ${reason}`}`,
    hint: `kubectl describe pod ${name} shows its events`,
    container: undefined,
    ended: undefined,
    hopeless: true,
  };
}

function containerTrouble(status: Node): PodTrouble | undefined {
  const container = stringAt(status, 'name');
  const reason = stringAt(status, 'state', 'waiting', 'reason') ?? '';
  const said = stringAt(status, 'state', 'waiting', 'message') ?? reason;
  const image = stringAt(status, 'image') ?? '';
  if (PULL_REASONS.includes(reason)) {
    return {
      code: 'IMAGE_PULL',
      message: `the cluster cannot pull ${image}: ${said}`,
      hint: 'see whether the image is there, and whether the namespace has a pull secret for its registry (imagePullSecrets)',
      container,
      ended: undefined,
      hopeless: reason === 'InvalidImageName' || reason === 'ErrImageNeverPull',
    };
  }
  if (CONFIG_REASONS.includes(reason)) {
    return {
      code: 'CONTAINER_CONFIG',
      message: `container ${container} cannot be made: ${said}`,
      hint: 'the Secret, ConfigMap or key that it names must be there',
      container,
      ended: undefined,
      hopeless: false,
    };
  }
  const last = mapAt(status, 'state', 'terminated') ?? mapAt(status, 'lastState', 'terminated');
  const restarts = numberAt(status, 'restartCount') ?? 0;
  if (reason !== 'CrashLoopBackOff' || last === undefined) return undefined;
  const exitCode = numberAt(last, 'exitCode') ?? 0;
  const oomKilled = stringAt(last, 'reason') === 'OOMKilled';
  return {
    code: 'CRASH_LOOP',
    message: `container ${container} ended with ${exitCode}${oomKilled ? ' (out of memory)' : ''} and was started ${restarts + 1} times`,
    hint: oomKilled ? 'give it a higher memory limit' : 'its log says why',
    container,
    ended: { exitCode, oomKilled },
    hopeless: restarts >= HOPELESS_RESTARTS,
  };
}
