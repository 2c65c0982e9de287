import { at, fromJson, itemsAt, type MapNode, map, mapAt, type Node, scalar, stringAt } from '../model/node.ts';
import type { ResolvedComponent } from '../model/resolved-graph.ts';
import { describeEnv, type KnownKeys } from './describe-env.ts';
import { nameOf } from './edit-node.ts';
import { SHARED_MEMORY } from './shared-memory.ts';

const PROBES = { livenessProbe: 'liveness', readinessProbe: 'readiness', startupProbe: 'startup' } as const;

function byKey(
  items: readonly Node[],
  keyOf: (item: Node) => string,
  toValue: (item: Node) => Node,
  origin: Node['origin'],
): MapNode {
  return map(
    items.map((item) => [keyOf(item), toValue(item)]),
    origin,
  );
}

function withoutName(item: Node): Node {
  if (item.kind !== 'map') return item;
  return map(
    [...item.fields].filter(([key]) => key !== 'name'),
    item.origin,
  );
}

/** A probe with the fields of its HTTP request at its own level: `probes.liveness.path`. */
function probe(node: MapNode): MapNode {
  const { httpGet, ...others } = Object.fromEntries(node.fields);
  const request = httpGet?.kind === 'map' ? [...httpGet.fields] : [];
  return map([...request, ...Object.entries(others)], node.origin);
}

/** A container by the names that people ask for. */
function describeContainer(container: MapNode, known: KnownKeys): MapNode {
  const probes: [string, Node][] = [];
  const env = describeEnv(container, known);
  const fields: [string, Node][] = env.fields.size > 0 ? [['env', env]] : [];
  for (const [key, value] of container.fields) {
    const name =
      key === 'livenessProbe' || key === 'readinessProbe' || key === 'startupProbe' ? PROBES[key] : undefined;
    if (name !== undefined && value.kind === 'map') probes.push([name, probe(value)]);
    else if (key === 'env') continue;
    else if (key === 'ports') fields.push([key, byKey(itemsAt(value), portKey, withoutName, value.origin)]);
    else if (key === 'volumeMounts') fields.push([key, byKey(itemsAt(value), mountKey, (item) => item, value.origin)]);
    else if (key !== 'name') fields.push([key, value]);
  }
  if (probes.length > 0) fields.push(['probes', map(probes, container.origin)]);
  return map(fields, container.origin);
}

function portKey(item: Node): string {
  const port = at(item, 'containerPort');
  return nameOf(item) || (port?.kind === 'scalar' ? String(port.value) : '');
}

function mountKey(item: Node): string {
  return stringAt(item, 'mountPath') ?? nameOf(item);
}

/** The container that runs Dynamo: `main`, whatever the file calls it; the engines of a failover pod are beside each other. */
function mainOf(pod: MapNode | undefined): MapNode | undefined {
  const containers = itemsAt(pod, 'containers').filter((item): item is MapNode => item.kind === 'map');
  const named = (name: string) => containers.find((container) => nameOf(container) === name);
  return named('main') ?? named('engine-0') ?? containers.at(-1);
}

/** The size of /dev/shm, where the pod has one of its own. */
function sharedMemoryOf(pod: MapNode | undefined): Node | undefined {
  const volume = itemsAt(pod, 'volumes').find((item) => nameOf(item) === SHARED_MEMORY);
  return volume && at(volume, 'emptyDir', 'sizeLimit');
}

/**
 * A component as one tree of what `explain` shows: the main container's fields at the top, then replicas, labels, volumes, the other
 * containers and the Services; each value keeps its origin. `written` is the component as the file has it.
 */
export function describeComponent(
  component: ResolvedComponent,
  podTemplate: MapNode,
  known: KnownKeys,
  written?: MapNode,
): MapNode {
  const pod = mapAt(podTemplate, 'spec');
  const main = mainOf(pod);
  const { origin } = component;
  const placed = (...keys: readonly string[]) =>
    keys.map((key) => written?.fields.get(key)?.origin).find((found) => found !== undefined) ?? origin;
  const fields: [string, Node][] = [
    ['type', fromJson(component.type, placed('type', 'componentType'))],
    ['replicas', scalar(component.replicas, placed('replicas'))],
    ['deployment', scalar(component.deploymentName, origin)],
  ];
  if (main) fields.push(...describeContainer(main, known).fields);
  for (const [key, value] of mapAt(podTemplate, 'metadata')?.fields ?? []) fields.push([key, value]);
  for (const [key, value] of pod?.fields ?? []) {
    if (key === 'volumes') fields.push([key, byKey(itemsAt(value), nameOf, withoutName, value.origin)]);
    else if (key === 'containers' || key === 'initContainers') {
      const others = itemsAt(value).filter((item): item is MapNode => item.kind === 'map' && item !== main);
      const trees = others.map((item) => [nameOf(item), describeContainer(item, known)] as const);
      if (trees.length > 0) fields.push([key, map(trees, value.origin)]);
    } else fields.push([fields.some(([name]) => name === key) ? `pod.${key}` : key, value]);
  }
  const sharedMemory = sharedMemoryOf(pod);
  if (sharedMemory) fields.push(['sharedMemory', sharedMemory]);
  const services = component.services.map(
    (service) => [stringAt(service, 'metadata', 'name') ?? '', mapAt(service, 'spec') ?? service] as const,
  );
  if (services.length > 0) fields.push(['services', map(services, origin)]);
  return map(fields, origin);
}

/** `{secretKeyRef: …}`: one value, read from elsewhere. */
function isReference(node: MapNode): boolean {
  return ['secretKeyRef', 'configMapKeyRef', 'fieldRef', 'resourceFieldRef'].some((kind) => node.fields.has(kind));
}

/** Every value of such a tree by its path; a list of plain values is one of them. */
export function listValues(
  node: Node,
  path: readonly string[] = [],
): readonly (readonly [path: string, value: Node])[] {
  if (node.kind === 'map' && node.fields.size > 0 && !isReference(node)) {
    return [...node.fields].flatMap(([key, value]) => listValues(value, [...path, key]));
  }
  if (node.kind !== 'list' || node.items.every((item) => item.kind === 'scalar')) return [[path.join('.'), node]];
  return node.items.flatMap((item, index) => listValues(item, [...path, nameOf(item) || String(index)]));
}
