import type { Diagnostic } from '../model/diagnostic.ts';
import type { Graph, GraphComponent } from '../model/graph.ts';
import {
  booleanAt,
  fromJson,
  itemsAt,
  list,
  type MapNode,
  map,
  mapAt,
  type Node,
  stringAt,
  withField,
} from '../model/node.ts';
import { convertService } from '../operator/conversion-v1alpha1.ts';
import { type Conversion, leftOutFields } from './conversion.ts';
import { orderContainer } from './order-fields.ts';

type Field = readonly [string, Node];

/** What `convertService` reads, and what is converted here. */
const KNOWN: ReadonlySet<string> = new Set([
  'globalDynamoNamespace',
  'runtimeVersionOverride',
  'replicas',
  'minAvailable',
  'multinode',
  'modelRef',
  'eppConfig',
  'componentType',
  'subComponentType',
  'sharedMemory',
  'volumeMounts',
  'gpuMemoryService',
  'failover',
  'checkpoint',
  'frontendSidecar',
  'resources',
  'envs',
  'envFromSecret',
  'livenessProbe',
  'readinessProbe',
  'extraPodSpec',
  'extraPodMetadata',
  'annotations',
  'labels',
  'pvc',
  'topologyConstraint',
  'providerOverride',
  'scalingAdapter',
]);
const SPEC_KNOWN: ReadonlySet<string> = new Set([
  'annotations',
  'backendFramework',
  'envs',
  'experimental',
  'labels',
  'priorityClassName',
  'providerOverride',
  'pvcs',
  'restart',
  'services',
  'topologyConstraint',
]);
/** The enum of the CRD [150 config/crd/bases/nvidia.com_dynamographdeployments.yaml]; v1alpha1 takes any text. */
const TYPES: ReadonlySet<string> = new Set(['frontend', 'worker', 'prefill', 'decode', 'planner', 'epp']);
const WHY: Readonly<Record<string, string>> = {
  componentType: `v1beta1 knows ${[...TYPES].join(', ')}`,
  subComponentType: 'v1beta1 knows prefill and decode workers as types of their own',
  dynamoNamespace: 'operator 1.5 computes it from the names of the graph',
  serviceName: 'the name of the component takes its place',
  ingress: 'v1beta1 has none: write an Ingress of your own',
  autoscaling: 'v1beta1 has none: write a HorizontalPodAutoscaler of your own',
};

/** v1alpha1 as v1beta1, as the operator's webhook converts it, claims and mounts written out. A graph that is v1beta1 stays as it is. */
export function toV1beta1(graph: Graph): Conversion {
  if (graph.apiVersion === 'nvidia.com/v1beta1') return { graph, diagnostics: [] };
  const { spec } = graph;
  const diagnostics: Diagnostic[] = [];
  const fields: Field[] = [];
  const components = graph.components.map((component) => {
    diagnostics.push(...sayLost(component));
    return convertComponent(component);
  });
  for (const [key, value] of spec.fields) {
    if (key === 'services') fields.push(['components', list(components, value.origin)]);
    else if (key === 'envs') fields.push(['env', value]);
    else if (key === 'topologyConstraint') fields.push([key, renameTopology(value)]);
    else if (key !== 'pvcs' && SPEC_KNOWN.has(key)) fields.push([key, value]);
  }
  diagnostics.push(...leftOutFields(spec, SPEC_KNOWN, 'spec', 'v1beta1 has no such field'));
  return {
    graph: {
      ...graph,
      apiVersion: 'nvidia.com/v1beta1',
      spec: map(fields, spec.origin),
      components: components.map((written) => ({
        name: stringAt(written, 'name') ?? '',
        written,
        origin: written.origin,
      })),
      companions: { ...graph.companions, claims: new Map([...createdClaims(graph), ...graph.companions.claims]) },
    },
    diagnostics,
  };
}

function sayLost({ name, written }: GraphComponent): readonly Diagnostic[] {
  const sub = stringAt(written, 'subComponentType');
  const promoted =
    sub === undefined || (stringAt(written, 'componentType') === 'worker' && (sub === 'prefill' || sub === 'decode'));
  const type = stringAt(written, 'componentType');
  const known = new Set(KNOWN);
  if (!promoted) known.delete('subComponentType');
  if (type !== undefined && !TYPES.has(type)) known.delete('componentType');
  return leftOutFields(written, known, `spec.services.${name}`, (field) => WHY[field] ?? 'v1beta1 has no such field');
}

function convertComponent({ name, written: service }: GraphComponent): MapNode {
  const { written, preserved } = convertService(name, withLegacyClaim(service), '1.5');
  const type = stringAt(written, 'type');
  let component = type === undefined || TYPES.has(type) ? written : withField(written, 'type', undefined);
  for (const key of ['topologyConstraint', 'providerOverride'])
    component = withField(component, key, service.fields.get(key) ?? component.fields.get(key));
  const adapter = mapAt(service, 'scalingAdapter');
  if (adapter !== undefined && booleanAt(adapter, 'enabled'))
    component = withField(component, 'scalingAdapter', map([], adapter.origin));
  const template =
    mapAt(component, 'podTemplate') ??
    (preserved.annotations || preserved.labels ? map([], service.origin) : undefined);
  // The operator keeps these in an annotation of the converted object and lays them on the pod.
  const metadata = mergeMetadata(mapAt(template, 'metadata'), preserved, service);
  const ordered =
    template === undefined
      ? undefined
      : map(
          [
            ...(metadata === undefined ? [] : [['metadata', metadata] as const]),
            ...[...template.fields].filter(([key]) => key !== 'metadata'),
          ],
          template.origin,
        );
  return withField(component, 'podTemplate', ordered === undefined ? undefined : withClaimVolumes(ordered));
}

/** 0.4 has one claim per service, `pvc {name, mountPoint}`. */
function withLegacyClaim(service: MapNode): MapNode {
  const claim = mapAt(service, 'pvc');
  if (claim === undefined) return service;
  const mount = map(
    [...claim.fields].filter(([key]) => key === 'name' || key === 'mountPoint'),
    claim.origin,
  );
  return withField(service, 'volumeMounts', list([...itemsAt(service, 'volumeMounts'), mount], claim.origin));
}

function mergeMetadata(
  own: MapNode | undefined,
  preserved: { readonly annotations: MapNode | undefined; readonly labels: MapNode | undefined },
  service: MapNode,
): MapNode | undefined {
  let metadata = own ?? map([], service.origin);
  for (const key of ['annotations', 'labels'] as const) {
    const below = preserved[key];
    if (below === undefined) continue;
    metadata = withField(metadata, key, map([...below.fields, ...(mapAt(metadata, key)?.fields ?? [])], below.origin));
  }
  return metadata.fields.size === 0 ? undefined : metadata;
}

/** A mount of v1alpha1 names a claim, and its pod has no volume for it; a mount without a path is the compilation cache's. */
function withClaimVolumes(template: MapNode): MapNode {
  const pod = mapAt(template, 'spec');
  if (pod === undefined) return template;
  const mounted = new Map<string, Node>();
  const containers = itemsAt(pod, 'containers').map((container) => {
    if (container.kind !== 'map') return container;
    const mounts = itemsAt(container, 'volumeMounts');
    if (mounts.length === 0) return orderContainer(container);
    const whole = mounts.filter((mount) => stringAt(mount, 'mountPath') !== undefined);
    for (const mount of whole) mounted.set(stringAt(mount, 'name') ?? '', mount);
    return orderContainer(
      withField(container, 'volumeMounts', whole.length === 0 ? undefined : list(whole, container.origin)),
    );
  });
  const volumes = itemsAt(pod, 'volumes');
  const missing = [...mounted].filter(([name]) => !volumes.some((volume) => stringAt(volume, 'name') === name));
  const added = missing.map(([name, mount]) =>
    fromJson({ name, persistentVolumeClaim: { claimName: name } }, mount.origin),
  );
  let spec = withField(pod, 'containers', list(containers, pod.fields.get('containers')?.origin ?? pod.origin));
  if (added.length > 0) spec = withField(spec, 'volumes', list([...volumes, ...added], pod.origin));
  return withField(template, 'spec', spec);
}

/** v1beta1 makes no claims: those that the graph would create become documents of their own. */
function createdClaims(graph: Graph): readonly (readonly [string, MapNode])[] {
  const written = [
    ...itemsAt(graph.spec, 'pvcs'),
    ...graph.components.flatMap((component) => mapAt(component.written, 'pvc') ?? []),
  ];
  return written.flatMap((claim): readonly (readonly [string, MapNode])[] => {
    const name = stringAt(claim, 'name');
    if (claim.kind !== 'map' || name === undefined || !booleanAt(claim, 'create')) return [];
    const mode = claim.fields.get('volumeAccessMode');
    const size = claim.fields.get('size');
    const storage = claim.fields.get('storageClass');
    const spec: Field[] = [
      ...(mode === undefined ? [] : [['accessModes', list([mode], mode.origin)] as const]),
      ...(size === undefined
        ? []
        : [['resources', map([['requests', map([['storage', size]], size.origin)]], size.origin)] as const]),
      ...(storage === undefined || stringAt(claim, 'storageClass') === ''
        ? []
        : [['storageClassName', storage] as const]),
    ];
    const head = mapAt(fromJson({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name } }, claim.origin));
    return head === undefined ? [] : [[name, withField(head, 'spec', map(spec, claim.origin))]];
  });
}

function renameTopology(node: Node): Node {
  if (node.kind !== 'map') return node;
  return map(
    [...node.fields].map(([key, value]) => [key === 'topologyProfile' ? 'clusterTopologyName' : key, value]),
    node.origin,
  );
}
