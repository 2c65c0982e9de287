import type {
  ContainerRole,
  DesiredContainer,
  DesiredEnv,
  DesiredNetworking,
  DesiredReplica,
  DesiredVolume,
  PublishedPort,
} from '../model/desired-state.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import type { EngineFacts } from '../model/host-inventory.ts';
import { LABEL } from '../model/labels.ts';
import { localAnnotation } from '../model/local-annotations.ts';
import { containerName, replicaId } from '../model/names.ts';
import { type MapNode, mapAt, numberAt, stringAt } from '../model/node.ts';
import type { ReplicaFacts } from '../model/observed-state.ts';
import type { Origin } from '../model/origin.ts';
import type { Probes } from '../model/probe.ts';
import { type ResolvedComponent, WORKER_HASH } from '../model/resolved-graph.ts';
import type { RuntimeFacts } from '../model/runtime-facts.ts';
import type { CompanionValues } from './companion-values.ts';
import { readContainerEnv } from './container-env.ts';
import { dealGpus } from './deal-gpus.ts';
import { checkLimits, makeContainer } from './desired-container.ts';
import { isDynamoProcess } from './dynamo-process.ts';
import { type ImageOverrides, overrideImage } from './image-overrides.ts';
import { frontendPort, isFrontend, podFsGroup, readPodContainers } from './local-pod.ts';
import type { CacheMount } from './model-cache.ts';
import { POD_ADDRESS, type PodIdentity, stableUid } from './pod-identity.ts';
import { readProbes } from './pod-probes.ts';
import { type ContainerVolumes, readContainerVolumes } from './pod-volumes.ts';
import { readServingFacts } from './replica-facts.ts';
import { makeSandbox, sharedMemory } from './sandbox-container.ts';

export interface ReplicaContext {
  readonly project: string;
  readonly graph: string;
  readonly source: string;
  readonly kubernetesNamespace: string;
  readonly network: string;
  readonly companions: CompanionValues;
  readonly images: ImageOverrides;
  readonly pull: DesiredContainer['pullPolicy'] | undefined;
  readonly engine: Pick<EngineFacts, 'cpus' | 'memoryBytes' | 'reach' | 'raisesLimits' | 'filtersGpus'>;
  readonly runtime: RuntimeFacts;
  /** Host port and address of this replica's frontend; undefined when it has none. */
  readonly publish: { readonly hostAddress: string; readonly hostPort: number } | undefined;
  readonly gpus: readonly string[];
  /** `--env-file`: for every Dynamo container; it may hold tokens, so it is treated as secret. */
  readonly extraEnv: ReadonlyMap<string, string>;
  /** Host directory or named volume for the Hugging Face cache; undefined: none. */
  readonly modelCache: CacheMount | undefined;
  /** Host directories that stand for claims, by claim. */
  readonly claimFolders: ReadonlyMap<string, string>;
  /** Paths of `hostPath` volumes that this machine does not have. */
  readonly missingHostPaths: ReadonlySet<string>;
}

export interface BuiltReplica {
  readonly replica: DesiredReplica;
  readonly volumes: readonly DesiredVolume[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Ports that must be reachable from here besides the frontend's own. */
function probePorts(probes: Probes): number[] {
  return [probes.startup, probes.liveness, probes.readiness].flatMap((probe) =>
    probe && 'port' in probe.handler ? [probe.handler.port] : [],
  );
}

/** The Service names under which a cluster resolves the component: plain, with the namespace, and fully qualified. */
function serviceAliases(component: ResolvedComponent, namespace: string): string[] {
  return component.services.flatMap((service) => {
    const name = stringAt(service, 'metadata', 'name');
    // A name with the hash of its workers is nobody's to write down.
    if (name === undefined || name.endsWith(`-${WORKER_HASH}`)) return [];
    return [name, `${name}.${namespace}`, `${name}.${namespace}.svc`, `${name}.${namespace}.svc.cluster.local`];
  });
}

interface Draft {
  readonly role: ContainerRole;
  /** A native sidecar (restartPolicy Always among the init containers). */
  readonly holdsBack: boolean;
  /** A Dynamo process: the main container, or another that the operator completes as it does that one. */
  readonly joinsGraph: boolean;
  readonly written: MapNode;
  readonly container: string;
}

/** Order of the pod: init containers and native sidecars as written, then sidecars, then main. */
function listContainers(spec: MapNode): Draft[] {
  const { init, main, sidecars } = readPodContainers(spec);
  const named = (written: MapNode) => stringAt(written, 'name') ?? 'main';
  const beside = (role: ContainerRole, written: MapNode, holdsBack = false): Draft => ({
    role,
    holdsBack,
    joinsGraph: isDynamoProcess(written),
    written,
    container: named(written),
  });
  return [
    ...init.map(({ container, sidecar }) => beside(sidecar ? 'sidecar' : 'init', container, sidecar)),
    ...sidecars.map((written) => beside('sidecar', written)),
    ...(main
      ? [{ role: 'main', holdsBack: false, joinsGraph: true, written: main, container: 'main' } satisfies Draft]
      : []),
  ];
}

/**
 * `--image` counts for the main container and for those that the operator made of its image; `--tag` for other Dynamo processes as
 * well, which may run another of Dynamo's images.
 */
function imageOf(written: string, draft: Draft, main: MapNode, component: string, images: ImageOverrides): string {
  if (written === stringAt(main, 'image')) return overrideImage(written, component, images);
  return draft.joinsGraph ? overrideImage(written, component, { byComponent: new Map(), tag: images.tag }) : written;
}

const WSL: Origin = {
  kind: 'local',
  deviation: 'wsl-gpus',
  reason: 'on WSL2 the driver shows every GPU to every container: CUDA is told which are meant',
};

/** CUDA takes UUIDs as well as numbers, and these count from the machine and not from the container. */
function onlyTheseGpus(env: readonly DesiredEnv[], gpus: readonly string[]): readonly DesiredEnv[] {
  if (gpus.length === 0) return env;
  const name = 'CUDA_VISIBLE_DEVICES';
  return [...env.filter((entry) => entry.name !== name), { name, value: gpus.join(','), secret: false, origin: WSL }];
}

function stringMap(node: MapNode | undefined): Record<string, string> {
  return Object.fromEntries(
    [...(node?.fields ?? [])].map(([key, value]) => [key, value.kind === 'scalar' ? String(value.value) : '']),
  );
}

/** One pod of the cluster as containers of this machine (DESIGN decision 2). */
export function buildReplica(
  component: ResolvedComponent,
  podTemplate: MapNode,
  index: number,
  context: ReplicaContext,
): BuiltReplica {
  const id = replicaId(component.name, index);
  const spec = mapAt(podTemplate, 'spec');
  if (!spec) throw new Error(`component ${component.name} has no pod`);
  const name = (container: string) => containerName(context.project, component.name, index, container);
  const labels = stringMap(mapAt(podTemplate, 'metadata', 'labels'));
  const identity: PodIdentity = {
    podName: name('main'),
    namespace: context.kubernetesNamespace,
    uid: stableUid(`${context.project}/${id}`),
    labels,
    annotations: stringMap(mapAt(podTemplate, 'metadata', 'annotations')),
    serviceAccount: stringAt(spec, 'serviceAccountName') ?? 'default',
    containers: new Map(listContainers(spec).map(({ container, written }) => [container, written])),
    host: context.engine,
  };
  const diagnostics: Diagnostic[] = [];
  const volumes: DesiredVolume[] = [];
  const owner = podFsGroup(spec);
  const drafts = listContainers(spec).map((draft) => {
    const { env, diagnostics: envProblems } = readContainerEnv(draft.written, identity, context.companions);
    const mounted = readContainerVolumes(spec, draft.written, {
      project: context.project,
      replica: id,
      companions: context.companions,
      identity,
      owner,
      claimFolders: context.claimFolders,
      missingHostPaths: context.missingHostPaths,
      env: new Map(env.map((entry) => [entry.name, entry.value])),
    });
    diagnostics.push(...envProblems, ...mounted.diagnostics, ...checkLimits(draft.written, id, context.engine));
    return { ...draft, env, mounted };
  });
  const needsSandbox =
    drafts.length > 1 ||
    drafts.some(({ mounted, env }) => mounted.memory || env.some((entry) => entry.value.includes(POD_ADDRESS)));

  const main = drafts.at(-1);
  if (!main) throw new Error(`component ${component.name} has no container`);
  const port = isFrontend(component) ? frontendPort(main.written) : undefined;
  const serving = readServingFacts(
    component,
    main.written,
    [...main.env, ...[...context.extraEnv].map(([key, value]) => ({ name: key, value }))],
    port !== undefined,
  );
  const gpusOf = dealGpus(context.gpus, component.gpuClaims ?? new Map());
  const aliases = serviceAliases(component, context.kubernetesNamespace);
  const bridge: DesiredNetworking = {
    kind: 'bridge',
    network: context.network,
    aliases: [...aliases, id],
    hostname: name('main'),
  };
  const reads = drafts.map(({ written }) => readProbes(written));
  const publish = publishedPorts(
    port,
    [...reads.flatMap((read) => probePorts(read.probes)), ...(serving.systemPort ? [serving.systemPort] : [])],
    context,
  );

  const containers: DesiredContainer[] = [];
  const graceSeconds = numberAt(spec, 'terminationGracePeriodSeconds') ?? 30;
  const factsOf = (role: ContainerRole, seconds: number): ReplicaFacts => ({
    graceSeconds: seconds,
    reach: context.engine.reach,
    runtimeVersion: context.runtime.version,
    ...(port !== undefined && role === 'main' ? { frontendPort: port } : {}),
    ...(role === 'main' ? serving : {}),
    ...(role === 'main' && serving.instances && context.runtime.natsServices ? { natsServices: true } : {}),
  });
  const labelsOf = (
    draft: { readonly role: ContainerRole; readonly container: string },
    probes: Probes,
    seconds: number,
  ) => {
    return {
      [LABEL.project]: context.project,
      [LABEL.graph]: context.graph,
      [LABEL.source]: context.source,
      [LABEL.component]: component.name,
      [LABEL.type]: component.type,
      [LABEL.replica]: String(index),
      [LABEL.role]: draft.role,
      [LABEL.container]: draft.container,
      [LABEL.probes]: JSON.stringify(probes),
      [LABEL.facts]: JSON.stringify(factsOf(draft.role, seconds)),
    };
  };

  const shm = sharedMemory(drafts.map(({ mounted }) => mounted));
  for (const [position, draft] of drafts.entries()) {
    const read = reads[position];
    if (!read) continue;
    for (const unresolved of read.unresolved) diagnostics.push(unresolvedProbe(id, draft.written, unresolved));
    const writtenImage = stringAt(draft.written, 'image') ?? '';
    const image = imageOf(writtenImage, draft, main.written, component.name, context.images);
    const volumesOf = withModelCache(draft, context, owner);
    volumes.push(...volumesOf.volumes.map((volume) => ({ ...volume, image })));
    const gpus = gpusOf(draft.written);
    const env = draft.joinsGraph
      ? [
          ...draft.env.filter((entry) => !context.extraEnv.has(entry.name)),
          ...[...context.extraEnv].map(([key, value]) => ({
            name: key,
            value,
            secret: true,
            origin: { kind: 'flag', flag: '--env-file' } as const,
          })),
        ]
      : draft.env;
    const made = makeContainer(draft.written, {
      name: name(draft.container),
      container: draft.container,
      role: draft.role,
      holdsBack: draft.holdsBack,
      image,
      pullPolicy: context.pull ?? pullPolicy(draft.written, image),
      pod: spec,
      env: context.engine.filtersGpus ? env : onlyTheseGpus(env, gpus),
      mounts: volumesOf.mounts,
      files: volumesOf.files,
      shmBytes: shm.isShared(draft.mounted) ? undefined : volumesOf.shmBytes,
      ...(shm.isShared(draft.mounted) ? { ipcMode: `container:${name('sandbox')}` } : {}),
      gpus,
      network: needsSandbox ? { kind: 'container', name: name('sandbox') } : bridge,
      publish: needsSandbox ? [] : publish,
      probes: read.probes,
      labels: labelsOf(draft, read.probes, graceSeconds),
      hostCpus: context.engine.cpus,
      raisesLimits: context.engine.raisesLimits,
    });
    containers.push({
      ...made,
      labels: { ...made.labels, [LABEL.hash]: made.hash, ...(gpus.length > 0 ? { [LABEL.gpus]: gpus.join(',') } : {}) },
    });
  }
  const sandbox = needsSandbox
    ? [
        makeSandbox(containers, {
          name: name('sandbox'),
          network: bridge,
          publish,
          labels: labelsOf({ role: 'sandbox', container: 'sandbox' }, {}, 1),
          shmBytes: shm.bytes,
        }),
      ]
    : [];
  const replica: DesiredReplica = {
    id,
    component: component.name,
    type: component.type,
    index,
    startAfter: localAnnotation(podTemplate, 'startAfter'),
    runtimeVersion: context.runtime.version,
    gpus: context.gpus,
    containers: [...sandbox, ...containers],
    frontendPort: port,
    facts: factsOf('main', graceSeconds),
  };
  return { replica, volumes, diagnostics };
}

function publishedPorts(port: number | undefined, probed: readonly number[], context: ReplicaContext): PublishedPort[] {
  const published: PublishedPort[] =
    port !== undefined && context.publish ? [{ containerPort: port, ...context.publish }] : [];
  if (context.engine.reach === 'published') {
    for (const containerPort of new Set(probed)) {
      if (containerPort !== port) published.push({ containerPort, hostAddress: '127.0.0.1', hostPort: 0 });
    }
  }
  return published;
}

/** The Hugging Face cache below the home of the image's user, unless the file mounts something there or moves HF_HOME. */
function withModelCache(
  draft: {
    readonly joinsGraph: boolean;
    readonly mounted: ContainerVolumes;
    readonly env: readonly { readonly name: string }[];
  },
  context: ReplicaContext,
  owner: number | undefined,
): ContainerVolumes {
  const { mounted } = draft;
  const path = `${context.runtime.home}/.cache/huggingface`;
  const taken = mounted.mounts.some((mount) => path.startsWith(mount.path) || mount.path.startsWith(path));
  const moved = draft.env.some((entry) => entry.name === 'HF_HOME' || entry.name === 'HF_HUB_CACHE');
  if (!draft.joinsGraph || !context.modelCache || taken || moved) return mounted;
  if (context.modelCache.kind === 'bind') {
    return {
      ...mounted,
      mounts: [...mounted.mounts, { kind: 'bind', source: context.modelCache.source, path, readOnly: false }],
    };
  }
  const { claim } = context.modelCache;
  const volume = `${context.project}_${claim}`;
  return {
    ...mounted,
    volumes: [...mounted.volumes, { name: volume, claim, scratch: false, memoryBytes: undefined, owner }],
    mounts: [...mounted.mounts, { kind: 'volume', volume, path, readOnly: false, noCopy: true }],
  };
}

/** Kubernetes: Always for `latest` or no tag, else IfNotPresent (pkg/apis/core/v1/defaults.go SetDefaults_Container). */
function pullPolicy(written: MapNode, image: string): DesiredContainer['pullPolicy'] {
  const policy = stringAt(written, 'imagePullPolicy');
  if (policy === 'Always' || policy === 'Never' || policy === 'IfNotPresent') return policy;
  const tag = /:([\w][\w.-]*)$/.exec(image.split('@')[0] ?? '')?.[1];
  return (tag === undefined || tag === 'latest') && !image.includes('@') ? 'Always' : 'IfNotPresent';
}

function unresolvedProbe(id: string, written: MapNode, kind: string): Diagnostic {
  const probe = mapAt(written, kind);
  const origin = probe?.origin;
  return {
    severity: 'warning',
    code: 'PROBE_UNUSABLE',
    message: `${id}: its ${kind} has no handler, or names a port that the container does not declare; it is left out`,
    ...(origin?.kind === 'file' ? { at: origin.at } : {}),
    hint: 'a cluster rejects such a pod, or never finds it ready',
  };
}
