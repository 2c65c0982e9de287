import {
  booleanAt,
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
import type { OperatorGeneration } from '../model/origin.ts';
import { mapsAt, nameOf, withItems } from './edit-node.ts';
import { withMode } from './feature-mode.ts';
import { GENERATIONS, operatorOrigin } from './generation.ts';
import { mergeOver } from './merge.ts';
import { mergeEnvs } from './merge-envs.ts';
import { toCoreResources } from './resources.ts';

const SIDECAR = 'sidecar-frontend';

/** What v1beta1 has no field for; the operator keeps it in an annotation of the converted object. */
interface Preserved {
  readonly annotations: MapNode | undefined;
  readonly labels: MapNode | undefined;
  readonly subComponentType: string | undefined;
  readonly dynamoNamespace: string | undefined;
}

export interface ConvertedComponent {
  /** A v1beta1 component. */
  readonly written: MapNode;
  readonly preserved: Preserved;
}

/** Fields that both versions spell alike. */
const SAME = [
  'globalDynamoNamespace',
  'runtimeVersionOverride',
  'replicas',
  'minAvailable',
  'multinode',
  'modelRef',
  'eppConfig',
];

/** v1alpha1 service to v1beta1 component, the first step of 1.5 [150 api/v1alpha1/shared_spec_conversion.go; facts/operator.md §1.6]. */
export function convertService(name: string, service: MapNode, generation: OperatorGeneration): ConvertedComponent {
  const origin = operatorOrigin(generation, 'shared_spec_conversion.go:140');
  const fields: [string, Node][] = [['name', scalar(name, service.origin)]];
  const type = convertType(service);
  if (type) fields.push(['type', type]);
  for (const key of SAME) {
    const value = service.fields.get(key);
    if (value) fields.push([key, value]);
  }
  const shared = convertSharedMemory(service);
  if (shared) fields.push(['sharedMemorySize', shared]);
  const cache = mapsAt(service, 'volumeMounts').find((mount) => booleanAt(mount, 'useAsCompilationCache'));
  if (cache) fields.push(['compilationCache', renamed(cache, { name: 'pvcName', mountPoint: 'mountPath' })]);
  const experimental = convertExperimental(service);
  if (experimental) fields.push(['experimental', experimental]);
  if (mapAt(service, 'frontendSidecar')) fields.push(['frontendSidecar', scalar(SIDECAR, origin)]);
  const template = convertPodTemplate(service, generation);
  if (template) fields.push(['podTemplate', template]);
  return {
    written: map(fields, service.origin),
    preserved: {
      annotations: mapAt(service, 'annotations'),
      labels: mapAt(service, 'labels'),
      subComponentType: stringAt(service, 'subComponentType'),
      dynamoNamespace: stringAt(service, 'dynamoNamespace'),
    },
  };
}

/** Only these two sub types become types; everything else is taken over word by word. */
function convertType(service: MapNode): Node | undefined {
  const sub = service.fields.get('subComponentType');
  const text = stringAt(service, 'subComponentType');
  const promoted = stringAt(service, 'componentType') === 'worker' && (text === 'prefill' || text === 'decode');
  return promoted ? sub : service.fields.get('componentType');
}

function convertSharedMemory(service: MapNode): Node | undefined {
  const shared = mapAt(service, 'sharedMemory');
  if (booleanAt(shared, 'disabled')) return scalar('0', shared?.fields.get('disabled')?.origin ?? service.origin);
  const size = shared?.fields.get('size');
  return size?.kind === 'scalar' && String(size.value) !== '0' ? size : undefined;
}

function convertExperimental(service: MapNode): MapNode | undefined {
  const fields: [string, Node][] = [];
  for (const key of ['gpuMemoryService', 'failover']) {
    const feature = mapAt(service, key);
    if (feature && booleanAt(feature, 'enabled'))
      fields.push([key, withMode(withField(feature, 'enabled', undefined), 'v1beta1')]);
  }
  const checkpoint = mapAt(service, 'checkpoint');
  if (checkpoint) fields.push(['checkpoint', checkpoint]);
  return fields.length > 0 ? map(fields, service.origin) : undefined;
}

function renamed(node: MapNode, names: Readonly<Record<string, string>>): MapNode {
  return map(
    [...node.fields].flatMap(([key, value]) => {
      const name = names[key];
      return name === undefined ? [] : [[name, value] as const];
    }),
    node.origin,
  );
}

const TEMPLATE_SOURCES = [
  'resources',
  'envs',
  'envFromSecret',
  'volumeMounts',
  'livenessProbe',
  'readinessProbe',
  'extraPodSpec',
  'extraPodMetadata',
  'frontendSidecar',
];

function convertPodTemplate(service: MapNode, generation: OperatorGeneration): MapNode | undefined {
  if (!TEMPLATE_SOURCES.some((key) => service.fields.has(key))) return undefined;
  const origin = operatorOrigin(generation, 'shared_spec_conversion.go:1382');
  const extra = mapAt(service, 'extraPodSpec');
  const podSpec = extra ? withField(extra, 'mainContainer', undefined) : map([], service.origin);
  const users = mapsAt(podSpec, 'containers').filter((container) => nameOf(container) !== 'main');
  const sidecar = mapAt(service, 'frontendSidecar');
  const generated =
    sidecar && !users.some((container) => nameOf(container) === SIDECAR) ? [convertSidecar(sidecar)] : [];
  const containers = [convertMain(service, generation), ...users, ...generated];
  const spec = withField(podSpec, 'containers', list(containers, extra?.origin ?? origin));
  const metadata = mapAt(service, 'extraPodMetadata');
  return map([...(metadata ? [['metadata', metadata] as const] : []), ['spec', spec]], service.origin);
}

function secretSource(node: MapNode, key: string): readonly Node[] {
  const secret = stringAt(node, key);
  const origin = node.fields.get(key)?.origin ?? node.origin;
  return secret === undefined ? [] : [fromJson({ secretRef: { name: secret } }, origin)];
}

/** Service fields under `mainContainer`: it wins per key, and its `envFrom` and probes take part in mergo's ways. */
function convertMain(service: MapNode, generation: OperatorGeneration): MapNode {
  const origin = operatorOrigin(generation, 'shared_spec_conversion.go:1440');
  const main = mapAt(service, 'extraPodSpec', 'mainContainer') ?? map([], service.origin);
  const mounts = mapsAt(service, 'volumeMounts').map((mount) =>
    renamed(mount, { name: 'name', mountPoint: 'mountPath' }),
  );
  let base = map([], service.origin);
  // Quantities that are none are dropped without a word here, where 1.1 fails.
  base = withField(base, 'resources', toCoreResources(mapAt(service, 'resources'), generation).resources);
  base = withField(base, 'env', service.fields.get('envs'));
  base = withItems(base, 'envFrom', secretSource(service, 'envFromSecret'), origin);
  for (const probe of ['livenessProbe', 'readinessProbe']) base = withField(base, probe, service.fields.get(probe));
  base = withItems(base, 'volumeMounts', mounts, origin);
  let merged = mergeOver(base, main, GENERATIONS[generation].mergo);
  const env = mergeEnvs(itemsAt(service, 'envs'), itemsAt(main, 'env'));
  merged = withItems(merged, 'env', env, origin);
  merged = withItems(merged, 'volumeMounts', [...itemsAt(main, 'volumeMounts'), ...mounts], origin);
  return withField(merged, 'name', scalar('main', origin));
}

function convertSidecar(written: MapNode): MapNode {
  let container = map([['name', scalar(SIDECAR, written.origin)]], written.origin);
  container = withField(container, 'image', written.fields.get('image'));
  container = withField(container, 'args', written.fields.get('args'));
  container = withField(container, 'env', written.fields.get('envs'));
  return withItems(container, 'envFrom', secretSource(written, 'envFromSecret'), written.origin);
}

/** The spec fields of the graph that changed their name. */
export function convertSpec(spec: MapNode): MapNode {
  const envs = spec.fields.get('envs');
  return envs ? withField(withField(spec, 'envs', undefined), 'env', envs) : spec;
}
