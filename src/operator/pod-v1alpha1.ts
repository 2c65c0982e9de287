import {
  booleanAt,
  fromJson,
  itemsAt,
  type MapNode,
  map,
  mapAt,
  type Node,
  scalar,
  stringAt,
  withField,
} from '../model/node.ts';
import type { OperatorGeneration } from '../model/origin.ts';
import type { Framework } from './backend-framework.ts';
import { canonicalizePod } from './canonicalize-pod.ts';
import { claimVolume, defaultCachePath, withCacheRoot } from './compilation-cache.ts';
import type { ComponentContext } from './component-common.ts';
import { componentDefaults } from './component-defaults.ts';
import { mapsAt, nameOf, withAppended, withItems } from './edit-node.ts';
import { applyFailover, isIntraPod } from './failover.ts';
import { generateFrontendSidecar } from './frontend-sidecar.ts';
import { GENERATIONS, operatorOrigin } from './generation.ts';
import { applyGpuMemoryService, applyInterPodEngine } from './gpu-memory-service.ts';
import { type GraphContext, reportFinding } from './graph-context.ts';
import { reportInterPod } from './graph-diagnostics.ts';
import { mergeOver } from './merge.ts';
import { envVar, mergeEnvs } from './merge-envs.ts';
import { discoveryServiceAccount, gpuClaimTemplate } from './names.ts';
import { overrideResources } from './resources.ts';
import { applySharedMemory, sharedMemoryOfLimit, sharedMemorySize } from './shared-memory.ts';

export type AlphaGeneration = Exclude<OperatorGeneration, '1.5'>;

/** A v1alpha1 service on its way to a pod. */
export interface AlphaService {
  readonly name: string;
  readonly written: MapNode;
  /** `spec.envs` under the service's own. */
  readonly envs: readonly Node[];
  readonly resources: MapNode | undefined;
  readonly framework: Framework;
}

/** How the generations that work on v1alpha1 differ in making a pod (facts/operator.md §4.1, §4.3). */
interface AlphaRules {
  readonly source: string;
  /** `main`: mainContainer.env replaces the defaults and beats the services', which count only beside a mainContainer. */
  readonly env: 'main' | 'services';
  /** NATS and etcd addresses behind everything, or under what is there. */
  readonly infra: 'appended' | 'under';
  readonly volumes: 'pvc' | 'volumeMounts';
  readonly sharedMemory: 'limit' | 'written';
  /** fsGroup 1000 where the user gave no pod securityContext at all. */
  readonly fsGroup: boolean;
  /** Only the first container, by name, reaches the Deployment. */
  readonly firstContainerOnly: boolean;
}

const RULES: Readonly<Record<AlphaGeneration, AlphaRules>> = {
  '0.4': {
    source: 'graph.go:680',
    env: 'main',
    infra: 'appended',
    volumes: 'pvc',
    sharedMemory: 'limit',
    fsGroup: false,
    firstContainerOnly: true,
  },
  '0.6': {
    source: 'graph.go GenerateBasePodSpec',
    env: 'services',
    infra: 'under',
    volumes: 'volumeMounts',
    sharedMemory: 'written',
    fsGroup: false,
    firstContainerOnly: false,
  },
  '1.1': {
    source: 'graph.go:1148',
    env: 'services',
    infra: 'under',
    volumes: 'volumeMounts',
    sharedMemory: 'written',
    fsGroup: true,
    firstContainerOnly: false,
  },
};

/** The pod of a v1alpha1 service, in the steps of GenerateBasePodSpec [041 graph.go:680, 102 graph.go:1148-1373]. */
export function buildPodV1alpha1(
  graph: GraphContext,
  generation: AlphaGeneration,
  context: ComponentContext,
  service: AlphaService,
): MapNode {
  const rules = RULES[generation];
  const origin = operatorOrigin(generation, rules.source);
  const defaults = componentDefaults(context);
  const infra = GENERATIONS[generation].infra.map(([name, value, source]) =>
    envVar(name, value, operatorOrigin(generation, source)),
  );
  let container = buildMain(generation, defaults.container, service);
  container = addInfra(container, infra, rules, generation);
  const storage = addVolumes(graph, generation, container, service);
  container = storage.container;
  if (isInterPod(service)) container = applyInterPodEngine(container, true, origin);

  const extra = mapAt(service.written, 'extraPodSpec');
  const userPod = extra ? withField(extra, 'mainContainer', undefined) : map([], origin);
  let pod = mergeOver(defaults.podSpec, userPod, GENERATIONS[generation].mergo);
  if (rules.fsGroup && !mapAt(userPod, 'securityContext')) {
    pod = withField(pod, 'securityContext', fromJson({ fsGroup: 1000 }, operatorOrigin(generation, 'graph.go:1297')));
  }
  pod = withServiceAccount(generation, pod, context);
  pod = withAppended(pod, 'volumes', storage.volumes, origin);
  const shared = applySharedMemory(pod, container, sharedSize(generation, container, service), origin);
  // The main container stands behind the user's own [102 graph.go:1300].
  pod = withAppended(shared.podSpec, 'containers', [shared.container], origin);
  const sidecar = mapAt(service.written, 'frontendSidecar');
  if (generation === '1.1' && sidecar) {
    pod = withAppended(pod, 'containers', [generateFrontendSidecar(context, sidecar, infra, origin)], origin);
  }
  if (generation === '1.1') pod = addGpuSharing(graph, pod, context, service);
  if (GENERATIONS[generation].canonicalizes) pod = canonicalizePod(pod);
  return rules.firstContainerOnly ? keepFirst(graph, pod, service) : pod;
}

function buildMain(generation: AlphaGeneration, base: MapNode, service: AlphaService): MapNode {
  const origin = operatorOrigin(generation, RULES[generation].source);
  const { written } = service;
  const main = mapAt(written, 'extraPodSpec', 'mainContainer');
  const defaults = itemsAt(base, 'env');
  let container = main ? mergeOver(base, main, GENERATIONS[generation].mergo) : base;
  if (RULES[generation].env === 'main') {
    // mergo has replaced the default list by a written one; without a mainContainer the services' variables are never read.
    if (main) container = withItems(container, 'env', mergeEnvs(service.envs, itemsAt(container, 'env')), origin);
  } else {
    const own = mergeEnvs(defaults, itemsAt(main, 'env'));
    container = withItems(container, 'env', mergeEnvs(own, service.envs), origin);
  }
  const startup = main?.fields.get('startupProbe');
  if (startup) container = withField(container, 'startupProbe', startup);
  for (const probe of ['livenessProbe', 'readinessProbe']) {
    const whole = written.fields.get(probe);
    if (whole) container = withField(container, probe, whole);
  }
  container = overrideResources(container, service.resources, origin);
  const secret = stringAt(written, 'envFromSecret');
  if (secret === undefined) return container;
  const at = written.fields.get('envFromSecret')?.origin ?? origin;
  return withAppended(container, 'envFrom', [fromJson({ secretRef: { name: secret } }, at)], origin);
}

function addInfra(container: MapNode, infra: readonly Node[], rules: AlphaRules, generation: AlphaGeneration): MapNode {
  const origin = operatorOrigin(generation, rules.source);
  return rules.infra === 'appended'
    ? withAppended(container, 'env', infra, origin)
    : withItems(container, 'env', mergeEnvs(infra, itemsAt(container, 'env')), origin);
}

function addVolumes(
  graph: GraphContext,
  generation: AlphaGeneration,
  container: MapNode,
  service: AlphaService,
): { readonly container: MapNode; readonly volumes: readonly Node[] } {
  const origin = operatorOrigin(generation, RULES[generation].source);
  const mounts: Node[] = [];
  const volumes: Node[] = [];
  let cachePath: string | undefined;
  const written =
    RULES[generation].volumes === 'pvc' ? [mapAt(service.written, 'pvc')] : mapsAt(service.written, 'volumeMounts');
  for (const mount of written) {
    if (!mount) continue;
    const cache = booleanAt(mount, 'useAsCompilationCache') === true;
    const point = stringAt(mount, 'mountPoint') || undefined;
    const path = point ?? (cache ? defaultCachePath(service.framework) : undefined);
    if (path === undefined || nameOf(mount) === '') {
      reportMount(graph, mount, cache, service);
      continue;
    }
    // A default path is mounted but its variable is not set [102 backend_vllm.go:76].
    if (cache && point !== undefined) cachePath ??= point;
    volumes.push(claimVolume(nameOf(mount), mount.origin));
    const name = mount.fields.get('name') ?? scalar(nameOf(mount), mount.origin);
    const at = mount.fields.get('mountPoint') ?? scalar(path, origin);
    mounts.push(
      map(
        [
          ['name', name],
          ['mountPath', at.kind === 'scalar' && at.value !== '' ? at : scalar(path, origin)],
        ],
        mount.origin,
      ),
    );
  }
  const mounted = withAppended(container, 'volumeMounts', mounts, origin);
  return {
    container: cachePath === undefined ? mounted : withCacheRoot(mounted, service.framework, cachePath, origin),
    volumes,
  };
}

function reportMount(graph: GraphContext, mount: MapNode, cache: boolean, service: AlphaService): void {
  const message =
    nameOf(mount) === ''
      ? 'volumeMount.name is required when volumeMounts is set'
      : cache
        ? `volumeMount with useAsCompilationCache=true requires an explicit mountPoint for backend framework ${service.framework} (no default available)`
        : 'volumeMount.mountPoint is required when useAsCompilationCache is false';
  reportFinding(graph, { code: 'VOLUME_MOUNT_INVALID', message, origin: mount.origin });
}

/** Planners cannot choose theirs from 1.0 on; before, the first account labelled for it or `default` [041, 102 graph.go:357]. */
function withServiceAccount(generation: AlphaGeneration, pod: MapNode, context: ComponentContext): MapNode {
  const key = 'serviceAccountName';
  const origin = operatorOrigin(generation, 'graph.go:357');
  if (context.type === 'planner' && generation === '1.1') {
    return withField(pod, key, scalar('planner-serviceaccount', origin));
  }
  if (stringAt(pod, key)) return pod;
  const account = context.discovery.backend === 'kubernetes' ? discoveryServiceAccount(context.graphName) : 'default';
  return withField(pod, key, scalar(account, origin));
}

function sharedSize(generation: AlphaGeneration, container: MapNode, service: AlphaService): Node | undefined {
  if (RULES[generation].sharedMemory === 'limit') {
    const limit = mapAt(container, 'resources', 'limits')?.fields.get('memory');
    const text = limit?.kind === 'scalar' ? String(limit.value) : undefined;
    return sharedMemoryOfLimit(text, operatorOrigin(generation, 'graph.go:1182'));
  }
  const written = mapAt(service.written, 'sharedMemory');
  if (booleanAt(written, 'disabled')) return undefined;
  return sharedMemorySize(written?.fields.get('size'), 'default', operatorOrigin(generation, 'shared_memory.go'));
}

function isInterPod(service: AlphaService): boolean {
  const gms = mapAt(service.written, 'gpuMemoryService');
  return booleanAt(gms, 'enabled') === true && !isIntraPod(gms) && service.framework === 'vllm';
}

/** Intra-pod GPU memory service and failover [102 graph.go:1340]. */
function addGpuSharing(
  graph: GraphContext,
  podSpec: MapNode,
  context: ComponentContext,
  service: AlphaService,
): MapNode {
  const { generation } = context;
  let pod = podSpec;
  const gms = mapAt(service.written, 'gpuMemoryService');
  if (gms && booleanAt(gms, 'enabled') && !isIntraPod(gms)) reportInterPod(graph, service.name, gms);
  if (booleanAt(gms, 'enabled') && isIntraPod(gms)) {
    const claimTemplate = gpuClaimTemplate(context.graphName, service.name);
    const origin = operatorOrigin(generation, 'internal/gms/gms.go:18');
    pod = applyGpuMemoryService(pod, { generation, claimTemplate, extraClients: [], origin });
  }
  const failover = mapAt(service.written, 'failover');
  if (!booleanAt(failover, 'enabled') || !isIntraPod(failover)) return pod;
  if (service.framework === 'vllm') {
    return applyFailover(pod, generation, operatorOrigin(generation, 'failover.go:403'));
  }
  const message = `failover is currently supported only for vLLM (detected: ${service.framework})`;
  reportFinding(graph, { code: 'FAILOVER_UNSUPPORTED', message, origin: failover?.origin });
  return pod;
}

function keepFirst(graph: GraphContext, pod: MapNode, service: AlphaService): MapNode {
  const containers = mapsAt(pod, 'containers');
  const [first, ...dropped] = containers;
  if (!first || dropped.length === 0) return pod;
  const names = dropped.map(nameOf).join(', ');
  reportFinding(graph, {
    code: 'SIDECARS_DROPPED',
    message: `operator 0.4 keeps only the container "${nameOf(first)}" of ${service.name} and drops ${names}`,
    origin: first.origin,
  });
  return withItems(pod, 'containers', [first], pod.origin);
}
