import {
  fromJson,
  itemsAt,
  type MapNode,
  map,
  mapAt,
  type Node,
  scalar,
  stringAt,
  stringsAt,
  withField,
} from '../model/node.ts';
import type { Framework } from './backend-framework.ts';
import { applyCompilationCache, claimVolume, withCacheRoot } from './compilation-cache.ts';
import type { ComponentContext } from './component-common.ts';
import { componentDefaults } from './component-defaults.ts';
import { mapsAt, nameOf, withItems } from './edit-node.ts';
import { applyFailover, isIntraPod } from './failover.ts';
import { mergeFrontendSidecar } from './frontend-sidecar.ts';
import { GENERATIONS, operatorOrigin } from './generation.ts';
import { applyGpuMemoryService, applyInterPodEngine } from './gpu-memory-service.ts';
import { type GraphContext, reportFinding } from './graph-context.ts';
import { reportInterPod } from './graph-diagnostics.ts';
import { mergeOver } from './merge.ts';
import { envVar, mergeEnvs } from './merge-envs.ts';
import { discoveryServiceAccount, gpuClaimTemplate } from './names.ts';
import { applySharedMemory, sharedMemorySize } from './shared-memory.ts';

/** A v1beta1 component after the defaults of its graph were put under it (1.5). */
export interface BetaComponent {
  readonly name: string;
  readonly written: MapNode;
  /** `podTemplate.spec` without the container `main`. */
  readonly podSpec: MapNode;
  readonly main: MapNode | undefined;
  readonly framework: Framework;
}

/** The pod of a v1beta1 component, in the steps of GenerateBasePodSpec [150 graph.go:1645-1811]. */
export function buildPodV1beta1(graph: GraphContext, context: ComponentContext, component: BetaComponent): MapNode {
  const { generation } = context;
  const origin = operatorOrigin(generation, 'graph.go:1645');
  const defaults = componentDefaults(context);
  const infra = GENERATIONS[generation].infra.map(([name, value, source]) =>
    envVar(name, value, operatorOrigin(generation, source)),
  );
  let container = mergeMain(defaults.container, component.main, context);
  const cached = addCache(graph, container, component, context);
  container = cached.container;
  checkMounts(graph, container);
  container = withItems(container, 'env', mergeEnvs(infra, itemsAt(container, 'env')), origin);
  const sidecarMounts = mapsAt(container, 'volumeMounts');
  container = addEngine(container, component, cached.path, context);

  const userPod = withField(component.podSpec, 'containers', undefined);
  let pod = mergeOver(defaults.podSpec, userPod, GENERATIONS[generation].mergo);
  if (!mapAt(userPod, 'securityContext')) {
    pod = withField(pod, 'securityContext', fromJson({ fsGroup: 1000 }, operatorOrigin(generation, 'graph.go:1709')));
  }
  pod = withServiceAccount(pod, context);
  if (cached.path !== undefined) pod = addCacheVolume(graph, pod, component, context);
  const size = sharedMemorySize(
    component.written.fields.get('sharedMemorySize'),
    'disabled',
    operatorOrigin(generation, 'shared_memory.go'),
  );
  const shared = applySharedMemory(pod, container, size, origin);
  const containers = [shared.container, ...mapsAt(component.podSpec, 'containers')];
  const dressed = dressSidecar(graph, containers, component, { context, infra, mounts: sidecarMounts });
  pod = withItems(shared.podSpec, 'containers', dressed, origin);
  pod = withItems(pod, 'volumes', orderVolumes(pod, shared.container, context), origin);
  return addGpuSharing(graph, pod, context, component);
}

/** mergo, then env by name and written probes whole; the name stays `main` [150 graph.go:1825]. */
function mergeMain(base: MapNode, user: MapNode | undefined, context: ComponentContext): MapNode {
  const origin = operatorOrigin(context.generation, 'graph.go:1825');
  if (!user) return base;
  let container = mergeOver(base, user, GENERATIONS[context.generation].mergo);
  container = withItems(container, 'env', mergeEnvs(itemsAt(base, 'env'), itemsAt(user, 'env')), origin);
  for (const probe of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    const whole = user.fields.get(probe);
    if (whole) container = withField(container, probe, whole);
  }
  return withField(container, 'name', scalar('main', origin));
}

function addCache(
  graph: GraphContext,
  container: MapNode,
  component: BetaComponent,
  context: ComponentContext,
): { readonly container: MapNode; readonly path: string | undefined } {
  const cache = mapAt(component.written, 'compilationCache');
  if (!cache) return { container, path: undefined };
  const origin = operatorOrigin(context.generation, 'graph.go:1849');
  const { problem, ...result } = applyCompilationCache(container, cache, component.framework, origin);
  if (problem !== undefined) {
    reportFinding(graph, { code: 'COMPILATION_CACHE', message: problem, origin: cache.origin });
  }
  return result;
}

function checkMounts(graph: GraphContext, container: MapNode): void {
  for (const mount of mapsAt(container, 'volumeMounts')) {
    const name = nameOf(mount);
    const message =
      name === ''
        ? 'volumeMount.name is required'
        : stringAt(mount, 'mountPath')
          ? undefined
          : `volumeMount.mountPath is required for ${name}`;
    if (message !== undefined) {
      reportFinding(graph, { code: 'VOLUME_MOUNT_INVALID', message, origin: mount.origin });
    }
  }
}

/** What the backend does to a single-node engine [150 backend_vllm.go:37-128]. */
function addEngine(
  container: MapNode,
  component: BetaComponent,
  cachePath: string | undefined,
  context: ComponentContext,
): MapNode {
  const origin = operatorOrigin(context.generation, 'backend_vllm.go:117');
  const gms = mapAt(component.written, 'experimental', 'gpuMemoryService');
  const failover = mapAt(component.written, 'experimental', 'failover');
  let engine = container;
  if (component.framework === 'vllm' && gms && !isIntraPod(gms)) {
    engine = applyInterPodEngine(engine, failover !== undefined && !isIntraPod(failover), origin);
  }
  return cachePath === undefined ? engine : withCacheRoot(engine, component.framework, cachePath, origin);
}

function withServiceAccount(pod: MapNode, context: ComponentContext): MapNode {
  const key = 'serviceAccountName';
  const { generation } = context;
  if (context.type === 'planner') {
    return withField(pod, key, scalar('planner-serviceaccount', operatorOrigin(generation, 'graph.go:503')));
  }
  if (stringAt(pod, key)) return pod;
  const account = context.discovery.backend === 'kubernetes' ? discoveryServiceAccount(context.graphName) : 'default';
  return withField(pod, key, scalar(account, operatorOrigin(generation, 'graph.go:1733')));
}

function addCacheVolume(
  graph: GraphContext,
  pod: MapNode,
  component: BetaComponent,
  context: ComponentContext,
): MapNode {
  const cache = mapAt(component.written, 'compilationCache');
  const claim = stringAt(cache, 'pvcName') ?? '';
  const origin = operatorOrigin(context.generation, 'graph.go:1905');
  const own = mapsAt(pod, 'volumes').filter((volume) => nameOf(volume) === claim);
  const problem =
    own.length > 1
      ? `compilation cache volume "${claim}" is defined more than once`
      : own.some((volume) => stringAt(volume, 'persistentVolumeClaim', 'claimName') !== claim)
        ? `compilation cache volume "${claim}" must reference PVC "${claim}"`
        : undefined;
  if (problem !== undefined) {
    reportFinding(graph, { code: 'COMPILATION_CACHE', message: problem, origin: own[0]?.origin });
  }
  if (own.length > 0) return pod;
  return withItems(pod, 'volumes', [...itemsAt(pod, 'volumes'), claimVolume(claim, cache?.origin ?? origin)], origin);
}

function dressSidecar(
  graph: GraphContext,
  containers: readonly MapNode[],
  component: BetaComponent,
  parts: { readonly context: ComponentContext; readonly infra: readonly Node[]; readonly mounts: readonly MapNode[] },
): readonly MapNode[] {
  const name = stringAt(component.written, 'frontendSidecar');
  if (name === undefined) return containers;
  if (!containers.some((container) => nameOf(container) === name)) {
    const message = `frontendSidecar "${name}" does not match any podTemplate container`;
    const origin = component.written.fields.get('frontendSidecar')?.origin;
    reportFinding(graph, { code: 'FRONTEND_SIDECAR_MISSING', message, origin });
  }
  const origin = operatorOrigin(parts.context.generation, 'graph.go:1976');
  return containers.map((container) =>
    nameOf(container) === name
      ? mergeFrontendSidecar(parts.context, container, { infra: parts.infra, mounts: parts.mounts, origin })
      : container,
  );
}

/**
 * Volumes in the order of the main container's mounts, the others behind them; a mount without a volume makes one: the claim of
 * that name [150 graph.go:1937-1974].
 */
function orderVolumes(pod: MapNode, main: MapNode, context: ComponentContext): readonly Node[] {
  const origin = operatorOrigin(context.generation, 'graph.go:1937');
  const volumes = mapsAt(pod, 'volumes');
  const ordered = new Map<string, Node>();
  for (const mount of mapsAt(main, 'volumeMounts')) {
    const name = nameOf(mount);
    if (name === '' || ordered.has(name)) continue;
    ordered.set(name, volumes.findLast((volume) => nameOf(volume) === name) ?? claimVolume(name, origin));
  }
  return [...ordered.values(), ...volumes.filter((volume) => !ordered.has(nameOf(volume)))];
}

/** Intra-pod GPU memory service and failover, the last steps. */
function addGpuSharing(
  graph: GraphContext,
  podSpec: MapNode,
  context: ComponentContext,
  component: BetaComponent,
): MapNode {
  const { generation } = context;
  let pod = podSpec;
  const gms = mapAt(component.written, 'experimental', 'gpuMemoryService');
  if (gms && !isIntraPod(gms)) reportInterPod(graph, component.name, gms);
  if (gms && isIntraPod(gms)) {
    const claimTemplate = gpuClaimTemplate(context.graphName, component.name);
    const extraClients = stringsAt(gms, 'extraClientContainers') ?? [];
    const origin = operatorOrigin(generation, 'internal/gms/gms.go:18');
    pod = applyGpuMemoryService(pod, { generation, claimTemplate, extraClients, origin });
  }
  const failover = mapAt(component.written, 'experimental', 'failover');
  if (!failover || !isIntraPod(failover)) return pod;
  if (component.framework === 'vllm') {
    return applyFailover(pod, generation, operatorOrigin(generation, 'failover.go:403'));
  }
  const message = `failover is currently supported only for vLLM (detected: ${component.framework})`;
  reportFinding(graph, { code: 'FAILOVER_UNSUPPORTED', message, origin: failover.origin });
  return pod;
}

/** Splits a `podTemplate`: its container `main` apart from the rest of its spec. */
export function splitPodTemplate(template: MapNode | undefined): {
  readonly podSpec: MapNode;
  readonly main: MapNode | undefined;
} {
  const spec = mapAt(template, 'spec') ?? map([], template?.origin ?? operatorOrigin('1.5', 'graph.go:1645'));
  const containers = mapsAt(spec, 'containers');
  const main = containers.find((container) => nameOf(container) === 'main');
  const others = containers.filter((container) => nameOf(container) !== 'main');
  return { podSpec: withItems(spec, 'containers', others, spec.origin), main };
}
