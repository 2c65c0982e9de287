import type { Diagnostic } from '../model/diagnostic.ts';
import type { GraphComponent } from '../model/graph.ts';
import {
  fromJson,
  itemsAt,
  list,
  type MapNode,
  map,
  mapAt,
  type Node,
  scalar,
  stringAt,
  withField,
} from '../model/node.ts';
import { withMode } from '../operator/feature-mode.ts';
import { leftOut, leftOutFields } from './conversion.ts';
import { serviceResources } from './service-resources.ts';

/** Fields that both versions spell alike. */
const SAME: readonly string[] = [
  'globalDynamoNamespace',
  'runtimeVersionOverride',
  'replicas',
  'minAvailable',
  'multinode',
  'modelRef',
  'eppConfig',
  'topologyConstraint',
  'providerOverride',
];
const KNOWN: ReadonlySet<string> = new Set([
  ...SAME,
  'name',
  'type',
  'sharedMemorySize',
  'compilationCache',
  'experimental',
  'frontendSidecar',
  'podTemplate',
  'scalingAdapter',
]);
/** The name that v1alpha1 gives the container of `frontendSidecar`. */
const SIDECAR = 'sidecar-frontend';
/** What a `frontendSidecar` of v1alpha1 can say of its container. */
const SIDECAR_FIELDS: ReadonlySet<string> = new Set(['name', 'image', 'args', 'env', 'envFrom']);

export interface ConvertedService {
  readonly written: MapNode;
  /** Claims that `spec.pvcs` has to name: v1alpha1 mounts a compilation cache by it. */
  readonly claims: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
}

type Field = readonly [string, Node];

/** One v1beta1 component as a v1alpha1 service: what stands in the pod moves to the service level where that has a field of its own. */
export function componentToService({ name, written }: GraphComponent): ConvertedService {
  const path = `spec.components.${name}`;
  const fields: Field[] = [...typeFields(written)];
  for (const key of SAME) {
    const value = written.fields.get(key);
    if (value !== undefined) fields.push([key, value]);
  }
  const adapter = written.fields.get('scalingAdapter');
  if (adapter !== undefined) fields.push(['scalingAdapter', fromJson({ enabled: true }, adapter.origin)]);
  fields.push(...sharedMemoryFields(written), ...experimentalFields(written));
  const template = mapAt(written, 'podTemplate');
  const pod = mapAt(template, 'spec');
  const containers = itemsAt(pod, 'containers').flatMap((item) => (item.kind === 'map' ? [item] : []));
  const main = containers.find((container) => stringAt(container, 'name') === 'main');
  const cache = mapAt(written, 'compilationCache');
  const { container, lifted } = liftMain(main, cache);
  fields.push(...lifted);
  const sidecar = liftSidecar(written, containers);
  if (sidecar.field !== undefined) fields.push(['frontendSidecar', sidecar.field]);
  const metadata = mapAt(template, 'metadata');
  const podMetadata = keep(metadata, new Set(['annotations', 'labels']));
  if (podMetadata !== undefined) fields.push(['extraPodMetadata', podMetadata]);
  const others = containers.filter((item) => item !== main && item !== sidecar.container);
  const extra = podFields(pod, container, others);
  if (extra !== undefined) fields.push(['extraPodSpec', extra]);
  return {
    written: map(fields, written.origin),
    claims: cache === undefined ? [] : [stringAt(cache, 'pvcName') ?? ''],
    diagnostics: [
      ...leftOutFields(written, KNOWN, path, 'v1alpha1 has no such field'),
      ...leftOutFields(
        mapAt(written, 'experimental'),
        new Set(['gpuMemoryService', 'failover', 'checkpoint']),
        `${path}.experimental`,
        'v1alpha1 has no such field',
      ),
      ...leftOutFields(
        metadata,
        new Set(['annotations', 'labels']),
        `${path}.podTemplate.metadata`,
        'v1alpha1 knows annotations and labels of a pod',
      ),
      ...leftOutFields(template, new Set(['metadata', 'spec']), `${path}.podTemplate`, 'v1alpha1 has no such field'),
      ...sidecar.diagnostics,
    ],
  };
}

/** Prefill and decode are sub types of a worker. */
function typeFields(written: MapNode): readonly Field[] {
  const type = written.fields.get('type');
  if (type?.kind !== 'scalar') return [];
  if (type.value !== 'prefill' && type.value !== 'decode') return [['componentType', type]];
  return [
    ['componentType', scalar('worker', type.origin)],
    ['subComponentType', type],
  ];
}

function sharedMemoryFields(written: MapNode): readonly Field[] {
  const size = written.fields.get('sharedMemorySize');
  if (size?.kind !== 'scalar') return [];
  const none = String(size.value) === '0';
  return [['sharedMemory', none ? fromJson({ disabled: true }, size.origin) : map([['size', size]], size.origin)]];
}

function experimentalFields(written: MapNode): readonly Field[] {
  const experimental = mapAt(written, 'experimental');
  return ['gpuMemoryService', 'failover', 'checkpoint'].flatMap((key): readonly Field[] => {
    const value = mapAt(experimental, key);
    if (value === undefined) return [];
    if (key === 'checkpoint') return [[key, value]];
    return [[key, map([['enabled', scalar(true, value.origin)], ...withMode(value, 'v1alpha1').fields], value.origin)]];
  });
}

/** What of the main container has a field at the service: resources, environment, its secret, two of its probes, the compilation cache. */
function liftMain(
  main: MapNode | undefined,
  cache: MapNode | undefined,
): { readonly container: MapNode | undefined; readonly lifted: readonly Field[] } {
  const lifted: Field[] = [];
  let container = main === undefined ? undefined : withField(main, 'name', undefined);
  const lift = (from: string, to: string, value: Node | undefined) => {
    if (container === undefined || value === undefined) return;
    lifted.push([to, value]);
    container = withField(container, from, undefined);
  };
  const resources = mapAt(main, 'resources');
  lift('env', 'envs', main?.fields.get('env'));
  const sources = itemsAt(main, 'envFrom');
  const [source] = sources;
  if (sources.length === 1 && source !== undefined) lift('envFrom', 'envFromSecret', secretOf(source));
  lift('livenessProbe', 'livenessProbe', main?.fields.get('livenessProbe'));
  lift('readinessProbe', 'readinessProbe', main?.fields.get('readinessProbe'));
  lift('resources', 'resources', resources === undefined ? undefined : serviceResources(resources));
  if (cache !== undefined) {
    const claim = cache.fields.get('pvcName');
    const path = cache.fields.get('mountPath');
    const mount: Field[] = [
      ...(claim === undefined ? [] : [['name', claim] as const]),
      ...(path === undefined ? [] : [['mountPoint', path] as const]),
      ['useAsCompilationCache', scalar(true, cache.origin)],
    ];
    lifted.push(['volumeMounts', list([map(mount, cache.origin)], cache.origin)]);
    const mounts = container?.fields.get('volumeMounts');
    const rest = itemsAt(mounts).filter(
      (item) =>
        stringAt(item, 'name') !== stringAt(cache, 'pvcName') ||
        stringAt(item, 'mountPath') !== stringAt(cache, 'mountPath'),
    );
    if (container !== undefined && mounts !== undefined && rest.length < itemsAt(mounts).length)
      container = withField(container, 'volumeMounts', rest.length === 0 ? undefined : list(rest, mounts.origin));
  }
  return { container, lifted };
}

/** The secret's name when that is all the source says: `optional` and a prefix have no words in v1alpha1. */
function secretOf(source: Node): Node | undefined {
  const secret = mapAt(source, 'secretRef');
  if (source.kind !== 'map' || source.fields.size !== 1 || secret?.fields.size !== 1) return undefined;
  return secret.fields.get('name');
}

function liftSidecar(
  written: MapNode,
  containers: readonly MapNode[],
): {
  readonly field: MapNode | undefined;
  readonly container: MapNode | undefined;
  readonly diagnostics: readonly Diagnostic[];
} {
  const nothing = { field: undefined, container: undefined, diagnostics: [] };
  const reference = written.fields.get('frontendSidecar');
  if (reference?.kind !== 'scalar') return nothing;
  const container = containers.find((item) => stringAt(item, 'name') === reference.value);
  if (container === undefined) return nothing;
  const sources = itemsAt(container, 'envFrom');
  const secret = sources.length === 1 && sources[0] !== undefined ? secretOf(sources[0]) : undefined;
  const image = container.fields.get('image');
  const simple = [...container.fields.keys()].every((key) => SIDECAR_FIELDS.has(key));
  if (reference.value === SIDECAR && simple && (sources.length === 0 || secret !== undefined)) {
    const [args, env] = [container.fields.get('args'), container.fields.get('env')];
    const field: Field[] = [
      ...(image === undefined ? [] : [['image', image] as const]),
      ...(args === undefined ? [] : [['args', args] as const]),
      ...(env === undefined ? [] : [['envs', env] as const]),
      ...(secret === undefined ? [] : [['envFromSecret', secret] as const]),
    ];
    return { field: map(field, container.origin), container, diagnostics: [] };
  }
  const why = `v1alpha1 knows image, args and environment of a container named ${SIDECAR} alone`;
  return { ...nothing, diagnostics: [leftOut('frontendSidecar', reference, why)] };
}

function podFields(
  pod: MapNode | undefined,
  main: MapNode | undefined,
  others: readonly MapNode[],
): MapNode | undefined {
  const rest = [...(pod?.fields ?? [])].filter(([key]) => key !== 'containers');
  const fields: Field[] = [
    ...rest,
    ...(others.length === 0 || pod === undefined ? [] : [['containers', list(others, pod.origin)] as const]),
    ...(main === undefined || main.fields.size === 0 ? [] : [['mainContainer', main] as const]),
  ];
  return fields.length === 0 || pod === undefined ? undefined : map(fields, pod.origin);
}

function keep(node: MapNode | undefined, fields: ReadonlySet<string>): MapNode | undefined {
  const kept = [...(node?.fields ?? [])].filter(([key]) => fields.has(key));
  return node === undefined || kept.length === 0 ? undefined : map(kept, node.origin);
}
