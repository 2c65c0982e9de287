import type {
  ContainerRole,
  DesiredContainer,
  DesiredEnv,
  DesiredFile,
  DesiredMount,
  DesiredNetworking,
  PublishedPort,
} from '../model/desired-state.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import { expandVariables } from '../model/expand-variables.ts';
import { booleanAt, itemsAt, type MapNode, mapAt, numberAt, stringAt, stringsAt } from '../model/node.ts';
import type { Probes } from '../model/probe.ts';
import { hashContainer } from './hash-spec.ts';
import { cpuLimit, memoryLimitBytes } from './local-pod.ts';

/** What a container of a pod needs beyond its own lines. */
export interface ContainerContext {
  readonly name: string;
  readonly container: string;
  readonly role: ContainerRole;
  readonly holdsBack: boolean;
  readonly image: string;
  readonly pullPolicy: DesiredContainer['pullPolicy'];
  readonly pod: MapNode;
  readonly env: readonly DesiredEnv[];
  readonly mounts: readonly DesiredMount[];
  readonly files: readonly DesiredFile[];
  readonly shmBytes: number | undefined;
  /** `container:NAME`: the /dev/shm of another container. */
  readonly ipcMode?: string;
  readonly gpus: readonly string[];
  readonly network: DesiredNetworking;
  readonly publish: readonly PublishedPort[];
  readonly probes: Probes;
  readonly labels: Readonly<Record<string, string>>;
  /** Cores of the engine: a higher limit is none. */
  readonly hostCpus: number;
  readonly raisesLimits: boolean;
}

/** A container that asks for nothing of its own: what infrastructure and sandboxes begin with. */
export const BARE_CONTAINER = {
  env: [],
  workingDir: undefined,
  user: undefined,
  groups: [],
  capabilitiesAdd: [],
  capabilitiesDrop: [],
  privileged: false,
  readOnlyRoot: false,
  shmBytes: undefined,
  memoryBytes: undefined,
  cpus: undefined,
  ulimits: [],
  gpus: [],
  ipcMode: undefined,
  mounts: [],
  tmpfs: [],
  files: [],
  probes: {},
} as const;

/** What GPU images ask for (the project's own container/run.sh: memlock -1, stack 64 MiB; facts/runtime.md §7.2). */
const GPU_ULIMITS = [
  { name: 'memlock', soft: -1, hard: -1 },
  { name: 'stack', soft: 67_108_864, hard: 67_108_864 },
  { name: 'nofile', soft: 1_048_576, hard: 1_048_576 },
] as const;

function firstNumber(nodes: readonly (MapNode | undefined)[], field: string): number | undefined {
  for (const node of nodes) {
    const found = numberAt(node, field);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** One container of a PodSpec as this machine runs it, `$(NAME)` expanded, with its hash. */
export function makeContainer(written: MapNode, context: ContainerContext): DesiredContainer {
  const lookup = new Map(context.env.map((entry) => [entry.name, entry.value]));
  const expand = (words: readonly string[] | undefined) =>
    words?.map((word) => expandVariables(word, (name) => lookup.get(name)));
  const own = mapAt(written, 'securityContext');
  const podwide = mapAt(context.pod, 'securityContext');
  const user = firstNumber([own, podwide], 'runAsUser');
  const group = firstNumber([own, podwide], 'runAsGroup');
  const fsGroup = numberAt(podwide, 'fsGroup');
  const groups = itemsAt(podwide, 'supplementalGroups').flatMap((group) => numberAt(group) ?? []);
  const cpus = cpuLimit(written);
  const spec = {
    name: context.name,
    container: context.container,
    role: context.role,
    image: context.image,
    pullPolicy: context.pullPolicy,
    entrypoint: expand(stringsAt(written, 'command')),
    args: expand(stringsAt(written, 'args')),
    env: context.env,
    workingDir: stringAt(written, 'workingDir'),
    user: user === undefined ? undefined : group === undefined ? `${user}` : `${user}:${group}`,
    groups: [...new Set([...(fsGroup === undefined ? [] : [fsGroup]), ...groups])],
    capabilitiesAdd: stringsAt(own, 'capabilities', 'add') ?? [],
    capabilitiesDrop: stringsAt(own, 'capabilities', 'drop') ?? [],
    privileged: booleanAt(own, 'privileged') ?? false,
    readOnlyRoot: booleanAt(own, 'readOnlyRootFilesystem') ?? false,
    shmBytes: context.shmBytes,
    memoryBytes: memoryLimitBytes(written),
    cpus: cpus !== undefined && cpus <= context.hostCpus ? cpus : undefined,
    ulimits: context.gpus.length > 0 && context.raisesLimits ? GPU_ULIMITS : [],
    gpus: context.gpus,
    ipcMode: booleanAt(context.pod, 'hostIPC') ? 'host' : context.ipcMode,
    mounts: context.mounts,
    tmpfs: [],
    files: context.files,
    network: context.network,
    publish: context.publish,
    probes: context.probes,
    ...(context.holdsBack ? { holdsBack: true as const } : {}),
    graceSeconds: numberAt(context.pod, 'terminationGracePeriodSeconds') ?? 30,
  } satisfies Omit<DesiredContainer, 'hash' | 'labels'>;
  return { ...spec, labels: context.labels, hash: hashContainer(spec) };
}

/** A container limit that this machine cannot give: said once per container. */
export function checkLimits(
  written: MapNode,
  id: string,
  host: { readonly cpus: number; readonly memoryBytes: number },
): Diagnostic[] {
  const memory = memoryLimitBytes(written);
  const cpus = cpuLimit(written);
  const notices: Diagnostic[] = [];
  if (cpus !== undefined && cpus > host.cpus) {
    notices.push({
      severity: 'notice',
      code: 'CPU_LIMIT',
      message: `${id}: the limit of ${cpus} CPUs is more than the ${host.cpus} of this machine and is left out`,
    });
  }
  if (memory !== undefined && memory > host.memoryBytes) {
    notices.push({
      severity: 'notice',
      code: 'MEMORY_LIMIT',
      message: `${id}: its memory limit is more than this machine has`,
    });
  }
  return notices;
}
