import { fromJson, type Json, list, type MapNode, map, type Node, scalar } from '../model/node.ts';
import type { OperatorGeneration, Origin } from '../model/origin.ts';
import { WORKER_HASH } from '../model/resolved-graph.ts';
import { GENERATIONS, operatorOrigin } from './generation.ts';
import { envVar, fieldEnv } from './merge-envs.ts';

/** What the defaults of a component depend on (component_common.go ComponentContext). */
export interface ComponentContext {
  readonly generation: OperatorGeneration;
  readonly type: string;
  readonly graphName: string;
  readonly kubernetesNamespace: string;
  readonly dynamoNamespace: string;
  readonly discovery: Discovery;
  /** The pod carries the worker hash. */
  readonly hashed: boolean;
  /** `eppConfig` as written, for EPPs. */
  readonly eppConfig: MapNode | undefined;
}

export interface Discovery {
  readonly backend: string;
  /** `pod` or `container` (annotation nvidia.com/dynamo-kube-discovery-mode). */
  readonly mode: string;
}

/** The defaults of one component type: its container, and its pod without containers. */
export interface ComponentDefaults {
  readonly container: MapNode;
  readonly podSpec: MapNode;
}

const DISCOVERY_ANNOTATION = 'nvidia.com/dynamo-discovery-backend';
const DISCOVERY_MODE_ANNOTATION = 'nvidia.com/dynamo-kube-discovery-mode';

/** The discovery backend and mode that these annotations choose over the platform's [150 controller_common/predicate.go:39]. */
export function readDiscovery(generation: OperatorGeneration, annotations: MapNode | undefined): Discovery {
  const text = (key: string): string => {
    const value = annotations?.fields.get(key);
    return value?.kind === 'scalar' ? String(value.value) : '';
  };
  const backend = text(DISCOVERY_ANNOTATION);
  return {
    backend: GENERATIONS[generation].discovery === 'etcd' ? 'etcd' : backend || 'kubernetes',
    mode: text(DISCOVERY_MODE_ANNOTATION) || 'pod',
  };
}

/** Where the common defaults stand, by generation. */
const SOURCE: Readonly<Record<OperatorGeneration, string>> = {
  '0.4': 'component_common.go:57',
  '0.6': 'component_common.go:57',
  '1.1': 'component_common.go:80',
  '1.5': 'component_common.go:80',
};

/** A defaults object whose values all come from one place of the operator. */
export function operatorMap(
  context: ComponentContext,
  source: string,
  json: { readonly [key: string]: Json },
): MapNode {
  const origin = operatorOrigin(context.generation, source);
  return map(
    Object.entries(json).map(([key, value]) => [key, fromJson(value, origin)]),
    origin,
  );
}

/** Environment that only newer generations give to every component. */
function discoveryEnv(context: ComponentContext, origin: Origin): readonly Node[] {
  if (context.generation === '0.4' || context.generation === '0.6') return [];
  const env = [
    envVar('DYN_COMPONENT', context.type, origin),
    fieldEnv('POD_NAME', 'metadata.name', origin),
    fieldEnv('POD_NAMESPACE', 'metadata.namespace', origin),
    fieldEnv('POD_UID', 'metadata.uid', origin),
  ];
  if (context.discovery.backend !== 'etcd') env.push(envVar('DYN_DISCOVERY_BACKEND', 'kubernetes', origin));
  const perContainer = context.discovery.mode === 'container';
  if (perContainer) env.push(envVar('DYN_KUBE_DISCOVERY_MODE', 'container', origin));
  if (perContainer || context.generation === '1.1') env.push(envVar('CONTAINER_NAME', 'main', origin));
  return env;
}

/** The defaults every component starts from, whatever its type: a shell without a script, no ports, no probes. */
export function commonDefaults(context: ComponentContext): ComponentDefaults {
  const origin = operatorOrigin(context.generation, SOURCE[context.generation]);
  const env = [
    envVar('DYN_NAMESPACE', context.dynamoNamespace, origin),
    envVar('DYN_PARENT_DGD_K8S_NAME', context.graphName, origin),
    envVar('DYN_PARENT_DGD_K8S_NAMESPACE', context.kubernetesNamespace, origin),
    ...discoveryEnv(context, origin),
  ];
  return {
    container: map(
      [
        ['name', scalar('main', origin)],
        ['command', fromJson(['/bin/sh', '-c'], origin)],
        ['env', list(env, origin)],
      ],
      origin,
    ),
    podSpec: operatorMap(context, SOURCE[context.generation], {
      terminationGracePeriodSeconds: 60,
      restartPolicy: 'Always',
    }),
  };
}

/** The defaults with further container fields over them and more environment behind theirs. */
export function extendDefaults(
  defaults: ComponentDefaults,
  extension: { readonly container: MapNode; readonly env: readonly Node[]; readonly podSpec?: MapNode },
): ComponentDefaults {
  const env = defaults.container.fields.get('env');
  const items = env?.kind === 'list' ? env.items : [];
  const merged = list([...items, ...extension.env], env?.origin ?? extension.container.origin);
  return {
    container: map(
      [...defaults.container.fields, ...extension.container.fields, ['env', merged]],
      defaults.container.origin,
    ),
    podSpec: map([...defaults.podSpec.fields, ...(extension.podSpec?.fields ?? [])], defaults.podSpec.origin),
  };
}

/** A list of `name=value` defaults from one place of the operator. */
export function operatorEnv(
  context: ComponentContext,
  source: string,
  values: readonly (readonly [name: string, value: string])[],
): readonly Node[] {
  const origin = operatorOrigin(context.generation, source);
  return values.map(([name, value]) => envVar(name, value, origin));
}

/** `DYN_NAMESPACE_WORKER_SUFFIX`, for workers of hashed pods. */
export function workerSuffix(context: ComponentContext): readonly (readonly [string, string])[] {
  return context.hashed ? [['DYN_NAMESPACE_WORKER_SUFFIX', WORKER_HASH]] : [];
}
