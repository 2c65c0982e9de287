import type {
  DesiredContainer,
  DesiredInfra,
  DesiredReplica,
  DesiredState,
  DesiredVolume,
} from '../model/desired-state.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import type { EngineFacts } from '../model/host-inventory.ts';
import { localAnnotation } from '../model/local-annotations.ts';
import { networkName, replicaId } from '../model/names.ts';
import { at, itemsAt, type MapNode, mapAt, stringAt } from '../model/node.ts';
import type { ResolvedComponent, ResolvedGraph } from '../model/resolved-graph.ts';
import type { RuntimeFacts } from '../model/runtime-facts.ts';
import { buildReplica } from './build-replica.ts';
import { chooseClaimFolders } from './claim-folders.ts';
import { collapseNodes, noticeCollapsed } from './collapse-nodes.ts';
import type { CompanionValues } from './companion-values.ts';
import { type AppliedDeviation, applyDeviations, type InfraAddresses } from './deviations.ts';
import { type ImageOverrides, isImageReference, overrideImage, valueFor } from './image-overrides.ts';
import { buildInfra, type InfraDefinition } from './infra-containers.ts';
import { isFrontend, podGpuCount, readPodContainers, registersModel } from './local-pod.ts';
import { type CacheMount, chooseCache, type HostFolder } from './model-cache.ts';
import { mountWorkspace, type Workspace } from './mount-workspace.ts';
import { listIgnoredFields } from './pod-notices.ts';
import { collectPullLogins } from './pull-logins.ts';
import { type GpuShare, shareGpus } from './share-gpus.ts';
import { shareMemory } from './share-memory.ts';
import { noticeStandIn, standInFrontend } from './stand-in-frontend.ts';

export interface LocalOptions {
  readonly project: string;
  /** The input as the user named it. */
  readonly source: string;
  readonly images: ImageOverrides;
  /** `--with-planner`: planners are asked for, and refused with the reason instead of left out with a notice. */
  readonly withPlanner?: boolean;
  /** `--share-gpus`: replicas on one GPU. */
  readonly perGpu?: number;
  /** `--scale COMPONENT=N` */
  readonly scale: ReadonlyMap<string, number>;
  readonly pull: DesiredContainer['pullPolicy'] | undefined;
  readonly runtimeOf: (component: ResolvedComponent, image: string) => RuntimeFacts;
  /** etcd and NATS as containers of the project, or addresses of ones that run already. */
  readonly infra:
    | { readonly kind: 'own'; readonly services: readonly InfraDefinition[] }
    | { readonly kind: 'shared'; readonly etcd: string; readonly nats: string };
  readonly engine: Pick<EngineFacts, 'cpus' | 'memoryBytes' | 'reach' | 'raisesLimits' | 'filtersGpus'>;
  readonly companions: CompanionValues;
  /** GPU UUIDs by replica id. */
  readonly gpus: ReadonlyMap<string, readonly string[]>;
  readonly port: number;
  readonly bind: string;
  readonly extraEnv: ReadonlyMap<string, string>;
  /** The caller's Hugging Face cache, when it is there. */
  readonly hfCache: HostFolder | undefined;
  /** `--volume CLAIM=PATH` */
  readonly claimFolders: ReadonlyMap<string, HostFolder>;
  /** Paths of `hostPath` volumes that this machine does not have. */
  readonly missingHostPaths: ReadonlySet<string>;
  /** The tree of a launch script, for the containers that name files of it. */
  readonly workspace?: Workspace | undefined;
  /** Rewrites a component's pod for the runtime version that runs it (flags of the mocker); returns it unchanged otherwise. */
  readonly adaptPod: (
    podTemplate: MapNode,
    runtime: RuntimeFacts,
  ) => { readonly podTemplate: MapNode; readonly notice?: string };
}

/** Components that only work inside a cluster. */
const CLUSTER_ONLY: Readonly<Record<string, string>> = {
  planner: 'a planner scales the graph through the Kubernetes API',
  epp: 'an endpoint picker serves a Kubernetes gateway',
};

/** Replicas that run here, before anything is known of GPUs: what allocation needs. */
export interface LocalReplica {
  readonly id: string;
  readonly component: ResolvedComponent;
  readonly index: number;
  readonly gpuCount: number;
  /** One for each GPU, where the graph says that some are shared; equal slots are one GPU. */
  readonly gpuSlots: readonly string[];
  /** By `--share-gpus`. */
  readonly share?: GpuShare;
}

/**
 * Every replica of the graph that one machine runs, in file order; `--scale` wins over the file. With `perGpu` (`--share-gpus`) so many
 * share their GPUs.
 */
export function listReplicas(
  graph: ResolvedGraph,
  scale: ReadonlyMap<string, number>,
  perGpu = 1,
): readonly LocalReplica[] {
  const replicas = listWritten(graph, scale);
  if (perGpu < 2) return replicas;
  const shares = shareGpus(replicas, perGpu);
  return replicas.map((replica) => {
    const share = shares.get(replica.id);
    return share === undefined ? replica : { ...replica, gpuSlots: share.slots, share };
  });
}

function listWritten(graph: ResolvedGraph, scale: ReadonlyMap<string, number>): readonly LocalReplica[] {
  return standInFrontend(collapseNodes(graph))
    .components.filter((component) => CLUSTER_ONLY[component.type] === undefined)
    .flatMap((component) => {
      const count = valueFor(scale, component.name) ?? component.replicas;
      const gpuCount = podGpuCount(component);
      const slots = localAnnotation(component.podTemplate, 'gpuSlots');
      return Array.from({ length: count }, (_, index) => ({
        id: replicaId(component.name, index),
        component,
        index,
        gpuCount,
        gpuSlots: slots.slice(index * gpuCount, (index + 1) * gpuCount),
      }));
    });
}

/** Replicas of a component that starts after itself, and those that share a GPU, start one after another. */
function inTurn(
  replica: DesiredReplica,
  component: string,
  index: number,
  neighbour: string | undefined,
): DesiredReplica {
  const startAfter = replica.startAfter.filter((name) => name !== component);
  const own = startAfter.length < replica.startAfter.length && index > 0 ? replicaId(component, index - 1) : undefined;
  const before = neighbour ?? own;
  return { ...replica, startAfter, ...(before === undefined ? {} : { startAfterReplica: before }) };
}

/** What the graph is on this machine: the cluster's pods, the local deviations, GPUs and ports given. Problems come as diagnostics. */
export function buildDesiredState(
  resolved: ResolvedGraph,
  options: LocalOptions,
): {
  readonly desired: DesiredState;
  readonly deviations: readonly AppliedDeviation[];
  readonly diagnostics: readonly Diagnostic[];
} {
  const graph = standInFrontend(collapseNodes(resolved));
  const diagnostics: Diagnostic[] = [
    // That a cluster without Grove has no place for several nodes says nothing about this machine.
    ...graph.diagnostics.filter(({ code }) => code !== 'NO_MULTINODE_ORCHESTRATOR').map(refuseHere),
    ...checkComponents(graph, options.withPlanner ?? false),
    ...noticeCollapsed(graph),
    ...noticeStandIn(resolved, graph),
    ...noticeWsl(graph, options),
  ];
  const deviations: AppliedDeviation[] = [];
  const network = networkName(options.project);
  const infra = infraAddresses(options);
  const volumes = new Map<string, DesiredVolume>();
  const pods = new Map<string, { podTemplate: MapNode; runtime: RuntimeFacts; cache: CacheMount | undefined }>();
  for (const component of graph.components) {
    const spec = mapAt(component.podTemplate, 'spec');
    const main = spec ? readPodContainers(spec).main : undefined;
    if (!spec || !main || CLUSTER_ONLY[component.type] !== undefined) continue;
    const image = overrideImage(stringAt(main, 'image') ?? '', component.name, options.images);
    diagnostics.push(...checkImage(component, main, image));
    const runtime = options.runtimeOf(component, image);
    const adapted = options.adaptPod(component.podTemplate, runtime);
    if (adapted.notice)
      diagnostics.push({ severity: 'notice', code: 'FLAGS_ADAPTED', message: `${component.name}: ${adapted.notice}` });
    const deviated = applyDeviations({
      component: component.name,
      podTemplate: adapted.podTemplate,
      context: { project: options.project, runtime, infra },
    });
    deviations.push(...deviated.applied);
    const usesHub = (isFrontend(component) || registersModel(component)) && !/(?:^|\/)dynamo-cpu[:@]/.test(image);
    const cache = usesHub ? chooseCache(options.hfCache, runtime) : undefined;
    diagnostics.push(...(cache?.notices ?? []));
    pods.set(component.name, {
      podTemplate: mountWorkspace(deviated.podTemplate, options.workspace),
      runtime,
      cache: cache?.mount,
    });
  }
  const claims = chooseClaimFolders(
    [...pods].flatMap(([component, { podTemplate, runtime }]) => {
      const spec = mapAt(podTemplate, 'spec');
      return spec ? [{ component, spec, runtime }] : [];
    }),
    options.claimFolders,
    options.hfCache,
  );
  diagnostics.push(...claims.diagnostics);
  let published = 0;
  const replicas = listReplicas(graph, options.scale, options.perGpu).flatMap(({ id, component, index, share }) => {
    const pod = pods.get(component.name);
    if (!pod) return [];
    const shared = share && shareMemory(pod.podTemplate, id, share);
    diagnostics.push(...(shared?.diagnostics ?? []));
    const built = buildReplica(component, shared?.podTemplate ?? pod.podTemplate, index, {
      project: options.project,
      graph: graph.name,
      source: options.source,
      kubernetesNamespace: graph.kubernetesNamespace,
      network,
      companions: options.companions,
      images: options.images,
      pull: options.pull,
      engine: options.engine,
      runtime: pod.runtime,
      publish: isFrontend(component)
        ? { hostAddress: options.bind, hostPort: published++ === 0 ? options.port : 0 }
        : undefined,
      gpus: options.gpus.get(id) ?? [],
      extraEnv: options.extraEnv,
      modelCache: pod.cache,
      claimFolders: claims.folders,
      missingHostPaths: options.missingHostPaths,
    });
    if (index === 0) diagnostics.push(...built.diagnostics);
    for (const volume of built.volumes) if (!volumes.has(volume.name)) volumes.set(volume.name, volume);
    return [inTurn(built.replica, component.name, index, share?.after)];
  });
  const named = [...pods].map(([component, { podTemplate }]) => ({ component, pod: mapAt(podTemplate, 'spec') }));
  diagnostics.push(...listIgnoredFields(named, graph.components), ...noticeKvTransfer(graph));
  const pulls = collectPullLogins(graph.components, replicas, options.companions);
  diagnostics.push(...pulls.notices);
  const notices = diagnostics.filter((diagnostic) => diagnostic.severity !== 'error');
  const desired: DesiredState = {
    project: options.project,
    graph: graph.name,
    generation: graph.generation,
    source: options.source,
    network,
    volumes: [...volumes.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    infra: ownInfra(graph, options, network),
    servers: {
      nats: replicas.some(({ containers }) =>
        containers.some(({ env }) => env.some(({ name, value }) => name === 'NATS_SERVER' && value !== '')),
      ),
      jetStream: [...pods.values()].some(({ runtime }) => runtime.needsJetStream),
    },
    replicas,
    pullLogins: pulls.logins,
    notices: distinct(notices),
  };
  return { desired, deviations, diagnostics: distinct(diagnostics) };
}

function noticeWsl(graph: ResolvedGraph, { engine }: LocalOptions): Diagnostic[] {
  if (engine.filtersGpus || graph.components.every((component) => podGpuCount(component) === 0)) return [];
  const message =
    'on WSL2 every container sees every GPU: CUDA_VISIBLE_DEVICES says which are meant, and nothing holds a process to it';
  return [{ severity: 'warning', code: 'WSL_GPUS', message }];
}

/** What a cluster with more of the platform could run, and one machine cannot. */
function refuseHere(diagnostic: Diagnostic): Diagnostic {
  return diagnostic.code === 'GMS_INTER_POD' ? { ...diagnostic, severity: 'error' } : diagnostic;
}

function distinct(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return [...new Map(diagnostics.map((entry) => [`${entry.code} ${entry.message}`, entry])).values()];
}

function infraAddresses(options: LocalOptions): InfraAddresses {
  return options.infra.kind === 'shared'
    ? { etcd: options.infra.etcd, nats: options.infra.nats, shared: true }
    : { etcd: 'http://etcd:2379', nats: 'nats://nats:4222', shared: false };
}

function ownInfra(graph: ResolvedGraph, options: LocalOptions, network: string): readonly DesiredInfra[] {
  if (options.infra.kind === 'shared') return [];
  return options.infra.services.map((service) =>
    buildInfra(service, {
      project: options.project,
      graph: graph.name,
      source: options.source,
      network,
      reach: options.engine.reach,
      aliases: clusterHosts(graph, service.service),
      pull: options.pull,
    }),
  );
}

/** Cluster names of etcd or NATS that the graph's variables use: our container answers to them, so the values stay as they are. */
function clusterHosts(graph: ResolvedGraph, service: 'etcd' | 'nats'): string[] {
  const variable = service === 'etcd' ? 'ETCD_ENDPOINTS' : 'NATS_SERVER';
  const hosts = new Set<string>();
  for (const component of graph.components) {
    for (const container of itemsAt(component.podTemplate, 'spec', 'containers')) {
      for (const item of itemsAt(container, 'env')) {
        if (stringAt(item, 'name') !== variable) continue;
        for (const address of (stringAt(item, 'value') ?? '').split(',')) {
          const host = /^(?:\w+:\/\/)?([a-zA-Z][\w.-]*)(?::\d+)?\/?$/.exec(address.trim())?.[1];
          if (host && host !== 'localhost') hosts.add(host);
        }
      }
    }
  }
  return [...hosts].toSorted();
}

function checkComponents(graph: ResolvedGraph, withPlanner: boolean): Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  for (const component of graph.components) {
    const origin = component.origin;
    const place = origin.kind === 'file' ? { at: origin.at } : {};
    const reason = CLUSTER_ONLY[component.type];
    if (component.type === 'planner' && withPlanner) {
      diagnostics.push({
        severity: 'error',
        code: 'PLANNER_NEEDS_CLUSTER',
        message: `${component.name} cannot run here: it scales by patching the DynamoGraphDeployment through the Kubernetes API, and this machine has none`,
        hint: 'the graph runs without it: leave --with-planner out, scale by hand with --scale COMPONENT=N, and try the planner in a cluster with dynamo push',
        ...place,
      });
    } else if (reason !== undefined) {
      diagnostics.push({
        severity: 'notice',
        code: 'CLUSTER_ONLY',
        message: `${component.name} is left out: ${reason}`,
        ...(component.type === 'planner' ? { hint: '--with-planner says what it would need' } : {}),
        ...place,
      });
    }
  }
  const names = new Map<string, string>();
  for (const component of graph.components) {
    const twin = names.get(component.name.toLowerCase());
    if (twin !== undefined) {
      const origin = component.origin;
      diagnostics.push({
        severity: 'error',
        code: 'COMPONENT_CLASH',
        message: `${component.name} and ${twin} differ only in case: containers and DNS names would collide`,
        ...(origin.kind === 'file' ? { at: origin.at } : {}),
        hint: 'rename one of them',
      });
    }
    names.set(component.name.toLowerCase(), component.name);
  }
  return diagnostics;
}

function checkImage(component: ResolvedComponent, main: MapNode, image: string): Diagnostic[] {
  const origin = at(main, 'image')?.origin ?? component.origin;
  const place = origin.kind === 'file' ? { at: origin.at } : {};
  const hint = `--image ${component.name}=REF replaces it`;
  if (image === '') {
    return [{ severity: 'error', code: 'IMAGE_MISSING', message: `${component.name} names no image`, ...place, hint }];
  }
  if (!isImageReference(image)) {
    return [
      {
        severity: 'error',
        code: 'IMAGE_INVALID',
        message: `${component.name}: "${image}" is no image reference`,
        ...place,
        hint,
      },
    ];
  }
  if (/:my-tag$|^my-registry\//.test(image)) {
    return [
      {
        severity: 'notice',
        code: 'IMAGE_PLACEHOLDER',
        message: `${component.name}: ${image} is a placeholder that no registry has`,
        ...place,
        hint: `${hint}; --tag VERSION replaces the tag of all`,
      },
    ];
  }
  return [];
}

/** KV blocks between two containers on different GPUs (facts/runtime.md §7.2): said once where it concerns the graph. */
function noticeKvTransfer(graph: ResolvedGraph): Diagnostic[] {
  const onGpu = graph.components.filter((component) => registersModel(component) && podGpuCount(component) > 0);
  const disaggregated = onGpu.some((component) => {
    const spec = mapAt(component.podTemplate, 'spec');
    const main = spec ? readPodContainers(spec).main : undefined;
    const words = main ? [...itemsAt(main, 'args'), ...itemsAt(main, 'command')] : [];
    return words.some((word) => word.kind === 'scalar' && /prefill/.test(String(word.value)));
  });
  if (!disaggregated || onGpu.length < 2) return [];
  return [
    {
      severity: 'notice',
      code: 'KV_TRANSFER',
      message:
        'each worker sees its own GPUs only, as in a cluster, so KV blocks go from prefill to decode over TCP or shared memory and not over CUDA IPC',
      hint: 'compare throughput with an aggregated graph before you draw conclusions from this machine',
    },
  ];
}
