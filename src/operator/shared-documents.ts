import {
  at,
  booleanAt,
  fromJson,
  type Json,
  type MapNode,
  map,
  mapAt,
  scalar,
  stringAt,
  toJson,
} from '../model/node.ts';
import type { ResolvedComponent } from '../model/resolved-graph.ts';
import { convertService } from './conversion-v1alpha1.ts';
import { countGpus, countServiceGpus } from './count-gpus.ts';
import { computedNamespace } from './dynamo-namespace.ts';
import { operatorOrigin } from './generation.ts';
import type { GraphContext } from './graph-context.ts';
import { gpuClaimTemplate } from './names.ts';

const DEVICE_CLASS = 'gpu.nvidia.com';
const EPP_FILE = 'epp-config-dynamo.yaml';
const EPP_PORT = 9002;
const FRONTEND_PORT = 8000;

/** The type that the operator gives a configuration, which files leave out. */
const PICKER = { apiVersion: 'inference.networking.x-k8s.io/v1alpha1', kind: 'EndpointPickerConfig' } as const;

type Shared = GraphContext & { readonly generation: '1.1' | '1.5' };

/**
 * What the operator creates beside Deployments and Services: the claim template of a GPU memory service, and the configuration and pool
 * of an endpoint picker. 0.4 and 0.6 have neither.
 */
export function sharedDocuments(context: GraphContext, components: readonly ResolvedComponent[]): readonly MapNode[] {
  const { generation } = context;
  if (generation === '0.4' || generation === '0.6') return [];
  const shared: Shared = { ...context, generation };
  return components.flatMap((component) => {
    const written = context.graph.components.find(({ name }) => name === component.name)?.written;
    if (!written) return [];
    return [
      ...gpuClaims(shared, component, written),
      ...(component.type === 'epp' ? eppDocuments(shared, component, written) : []),
    ];
  });
}

/** [102 internal/dra/dra.go:44, 150 internal/dra/dra.go:44] */
function gpuClaims(context: Shared, component: ResolvedComponent, written: MapNode): readonly MapNode[] {
  const { generation, graph } = context;
  const alpha = graph.apiVersion === 'nvidia.com/v1alpha1';
  const gms = alpha ? mapAt(written, 'gpuMemoryService') : mapAt(written, 'experimental', 'gpuMemoryService');
  if (!gms || (alpha && !booleanAt(gms, 'enabled'))) return [];
  const count =
    generation === '1.1'
      ? countServiceGpus(written)
      : countGpus(alpha ? convertService(component.name, written, generation).written : written);
  const exactly = {
    allocationMode: 'ExactCount',
    count,
    deviceClassName: stringAt(gms, 'deviceClassName') ?? DEVICE_CLASS,
  };
  return [
    document(context, 'internal/dra/dra.go:44', {
      apiVersion: 'resource.k8s.io/v1',
      kind: 'ResourceClaimTemplate',
      metadata: { name: gpuClaimTemplate(graph.name, component.name), namespace: context.kubernetesNamespace },
      spec: { spec: { devices: { requests: [{ exactly, name: 'gpus' }] } } },
    }),
  ];
}

/** Who the pool's requests go to: workers by their type, from 1.5 on by a label of their own. */
const POOL_LABEL: Readonly<Record<Shared['generation'], string>> = {
  '1.1': 'nvidia.com/dynamo-component-type',
  '1.5': 'nvidia.com/dynamo-component-class',
};

/** [150 internal/dynamo/epp] */
function eppDocuments(context: Shared, component: ResolvedComponent, written: MapNode): readonly MapNode[] {
  const { graph, kubernetesNamespace: namespace } = context;
  const labels = {
    'nvidia.com/dynamo-component': component.name,
    'nvidia.com/dynamo-component-type': 'epp',
    'nvidia.com/dynamo-graph-deployment-name': graph.name,
  };
  const pool = document(context, 'internal/dynamo/epp/inference_pool.go', {
    apiVersion: 'inference.networking.k8s.io/v1',
    kind: 'InferencePool',
    metadata: { name: `${graph.name}-pool`, namespace, labels },
    spec: {
      endpointPickerRef: { kind: 'Service', name: component.deploymentName, port: { number: EPP_PORT } },
      selector: {
        matchLabels: {
          [POOL_LABEL[context.generation]]: 'worker',
          'nvidia.com/dynamo-namespace': computedNamespace(context, written),
        },
      },
      targetPorts: [{ number: FRONTEND_PORT }],
    },
  });
  const config = at(written, 'eppConfig', 'config');
  if (!config) return [pool];
  const settings = document(context, 'internal/dynamo/epp/configmap.go', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: `${graph.name}-epp-config`, namespace, labels },
    data: { [EPP_FILE]: pickerConfig(toJson(config)) },
  });
  return [settings, pool];
}

function isObject(json: Json | undefined): json is { readonly [key: string]: Json } {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/** The picker's configuration as its Go type writes it, which leaves nothing of a plugin out; JSON, which is YAML too. */
function pickerConfig(config: Json): string {
  if (!isObject(config)) return JSON.stringify(config);
  const plugins = Array.isArray(config.plugins) ? config.plugins : [];
  const whole = plugins.map((plugin: Json) => (isObject(plugin) ? { name: '', parameters: null, ...plugin } : plugin));
  return `${JSON.stringify({ ...PICKER, ...config, plugins: whole }, null, 2)}\n`;
}

function document(context: GraphContext, source: string, json: { readonly [key: string]: Json }): MapNode {
  const origin = operatorOrigin(context.generation, source);
  return map(
    Object.entries(json).map(([key, value]) => [
      key,
      typeof value === 'string' ? scalar(value, origin) : fromJson(value, origin),
    ]),
    origin,
  );
}
