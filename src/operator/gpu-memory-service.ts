import { fromJson, type Json, type MapNode, map, mapAt, type Node, stringAt, withField } from '../model/node.ts';
import type { OperatorGeneration, Origin } from '../model/origin.ts';
import { mapsAt, nameOf, withAppended, withItems } from './edit-node.ts';
import { hasFlag, injectFlags } from './inject-flags.ts';
import { envVar } from './merge-envs.ts';

const CLAIM = 'intrapod-shared-gpu';
const VOLUME = 'gms-intrapod-control';
/** Socket directory shared by the server and its clients. */
export const GMS_SOCKET_DIRECTORY = '/gms-intrapod-control';
const GPU = 'nvidia.com/gpu';

/** 1.1 holds clients back until the server is ready; 1.5 lets them retry [102 internal/gms/gms.go:18, 150 internal/gms/gms.go:18]. */
const READY_PROBE: Partial<Record<OperatorGeneration, Json>> = {
  '1.1': {
    exec: { command: ['test', '-f', `${GMS_SOCKET_DIRECTORY}/gms-ready`] },
    periodSeconds: 1,
    failureThreshold: 300,
  },
};

export interface GmsOptions {
  readonly generation: OperatorGeneration;
  readonly claimTemplate: string;
  readonly extraClients: readonly string[];
  readonly origin: Origin;
}

/** The container with the pod's shared GPU claim in place of GPUs of its own. */
function claimGpus(container: MapNode, origin: Origin): MapNode {
  let resources = mapAt(container, 'resources') ?? map([], origin);
  for (const side of ['limits', 'requests']) {
    const quantities = mapAt(resources, side);
    if (quantities) resources = withField(resources, side, withField(quantities, GPU, undefined));
  }
  resources = withAppended(resources, 'claims', [fromJson({ name: CLAIM }, origin)], origin);
  return withField(container, 'resources', resources);
}

function asClient(container: MapNode, origin: Origin): MapNode {
  const mount = fromJson({ name: VOLUME, mountPath: GMS_SOCKET_DIRECTORY }, origin);
  const mounted = withAppended(claimGpus(container, origin), 'volumeMounts', [mount], origin);
  return withAppended(mounted, 'env', [envVar('GMS_SOCKET_DIR', GMS_SOCKET_DIRECTORY, origin)], origin);
}

function server(image: Node | undefined, options: GmsOptions): MapNode {
  const ready = READY_PROBE[options.generation];
  const node = map(
    Object.entries({
      name: 'gms-server',
      command: ['python3', '-m', 'gpu_memory_service.cli.server'],
      env: [{ name: 'GMS_SOCKET_DIR', value: GMS_SOCKET_DIRECTORY }],
      volumeMounts: [{ name: VOLUME, mountPath: GMS_SOCKET_DIRECTORY }],
      resources: { claims: [{ name: CLAIM }] },
      restartPolicy: 'Always',
      ...(ready === undefined ? {} : { startupProbe: ready }),
    }).map(([key, value]) => [key, fromJson(value, options.origin)]),
    options.origin,
  );
  return withField(node, 'image', image);
}

/**
 * Intra-pod GPU memory service: the first container and the named clients share one claim and a socket directory with a server
 * that runs as a native sidecar. 1.1 takes `containers[0]`, which is a user's sidecar where there is one.
 */
export function applyGpuMemoryService(podSpec: MapNode, options: GmsOptions): MapNode {
  const { origin } = options;
  const containers = mapsAt(podSpec, 'containers');
  const [first] = containers;
  if (!first) return podSpec;
  const changed = containers.map((container, index) =>
    index === 0 || options.extraClients.includes(nameOf(container)) ? asClient(container, origin) : container,
  );
  let pod = withItems(podSpec, 'containers', changed, origin);
  pod = withAppended(pod, 'initContainers', [server(first.fields.get('image'), options)], origin);
  pod = withAppended(pod, 'volumes', [fromJson({ name: VOLUME, emptyDir: {} }, origin)], origin);
  const claim = fromJson({ name: CLAIM, resourceClaimTemplateName: options.claimTemplate }, origin);
  pod = withAppended(pod, 'resourceClaims', [claim], origin);
  const tolerated = mapsAt(pod, 'tolerations').some((toleration) => stringAt(toleration, 'key') === GPU);
  const toleration = fromJson({ key: GPU, operator: 'Exists', effect: 'NoSchedule' }, origin);
  return tolerated ? pod : withAppended(pod, 'tolerations', [toleration], origin);
}

/**
 * What the vLLM backend adds to an engine of an inter-pod service; the weight server itself needs Grove. 1.5 makes an engine a
 * shadow only where failover is on.
 */
export function applyInterPodEngine(container: MapNode, shadow: boolean, origin: Origin): MapNode {
  const loaded = hasFlag(container, '--load-format', 'gms')
    ? container
    : injectFlags(container, ['--load-format', 'gms'], 'vllm', origin);
  return shadow ? withAppended(loaded, 'env', [envVar('DYN_VLLM_GMS_SHADOW_MODE', 'true', origin)], origin) : loaded;
}
