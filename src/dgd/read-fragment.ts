import type { Diagnostic } from '../model/diagnostic.ts';
import { fromJson, type MapNode, map, mapAt, type Node, scalar } from '../model/node.ts';
import type { Origin } from '../model/origin.ts';
import { BACKENDS, type Backend, findBackend, isEngineKey } from './engine-shorthand.ts';
import { ASSUMED, completeComponent, type FragmentComponent, typeOf } from './fragment-component.ts';
import { placeOf } from './place.ts';
import { GRAPH_KIND, type KubernetesObject } from './read-objects.ts';
import { takeRouterFlags } from './router-args.ts';

/** Fields that a component of a graph has, and a service of a compose file has not. */
const TELLING: ReadonlySet<string> = new Set([
  'componentType',
  'subComponentType',
  'dynamoNamespace',
  'extraPodSpec',
  'envFromSecret',
  'livenessProbe',
  'readinessProbe',
  'replicas',
  'resources',
  'requests',
  'backend',
  'gpus',
]);

/** What a compose file's services have as well: it tells only where no `services:` stands above. */
const SHARED: ReadonlySet<string> = new Set(['image', 'command', 'args', 'env']);

/** The components of a document without header: `Worker: {…}`, or below `services:` or `spec.services:`. Undefined when it is none. */
export function fragmentOf(root: Node): MapNode | undefined {
  if (root.kind !== 'map' || root.fields.has('kind') || root.fields.has('apiVersion')) return undefined;
  const inner = mapAt(root, 'spec', 'services') ?? mapAt(root, 'services') ?? root;
  const tells = (key: string): boolean => TELLING.has(key) || isEngineKey(key) || (inner === root && SHARED.has(key));
  const isComponent = (node: Node): boolean => node.kind === 'map' && [...node.fields.keys()].some(tells);
  const values = [...inner.fields.values()];
  const telling = inner === root ? values.every(isComponent) : values.some(isComponent);
  return values.length > 0 && telling ? inner : undefined;
}

function graphName(origin: Origin): string {
  const file = origin.kind === 'file' ? origin.at.file : '';
  const base = file.replace(/^.*\//, '').replace(/\.[^.]*$/, '');
  const name = base
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return name === '' || name === 'stdin' ? 'graph' : name;
}

function keysOf(object: KubernetesObject): readonly string[] {
  return [...(mapAt(object.root, 'data')?.fields.keys() ?? [])];
}

/** A worker without the flags that are the frontend's; those are added to `flags`. */
function routed(name: string, written: MapNode, flags: Map<string, Node>): MapNode {
  if (typeOf(name, written) === 'frontend') return written;
  const taken = takeRouterFlags(written);
  for (const [key, value] of taken.flags) flags.set(key, value);
  return taken.written;
}

/**
 * One graph of all fragments of an input, with the ConfigMaps that it needs besides. Everything that was assumed comes as a notice at the
 * component it is about.
 */
export function readFragments(
  fragments: readonly MapNode[],
  beside: readonly KubernetesObject[],
): { readonly objects: readonly KubernetesObject[]; readonly diagnostics: readonly Diagnostic[] } {
  const [first] = fragments;
  if (!first) return { objects: [], diagnostics: [] };
  const name = graphName(first.origin);
  const routerFlags = new Map<string, Node>();
  const written = fragments.flatMap((fragment) =>
    [...fragment.fields].flatMap(([key, value]) =>
      value.kind === 'map'
        ? [{ name: key, written: routed(key, value, routerFlags), origin: fragment.keys?.get(key) ?? value.origin }]
        : [],
    ),
  );
  const said: Diagnostic[] = [
    notice(`the document has no header: it is read as the components of a v1alpha1 graph "${name}"`, first.origin),
  ];
  const backends = written.flatMap((item) => findBackend(item.name, item.written) ?? []);
  const usual: Backend = backends[0] ?? 'vllm';
  if (backends.length === 0)
    said.push(notice(`no component names an engine (${BACKENDS.join(', ')}): vllm is assumed`, first.origin));
  const components = written.map(
    (item): FragmentComponent => ({
      ...item,
      type: typeOf(item.name, item.written),
      backend: findBackend(item.name, item.written) ?? usual,
    }),
  );
  if (!components.some(({ type }) => type === 'frontend')) {
    const frontend = map([['componentType', scalar('frontend', ASSUMED)]], ASSUMED);
    components.unshift({ name: 'Frontend', written: frontend, origin: first.origin, type: 'frontend', backend: usual });
    said.push(notice('a Frontend is added: the fragment has none', first.origin));
  }
  const context = {
    disaggregated: ['prefill', 'decode'].every((role) =>
      written.some((item) => item.name.toLowerCase().includes(role)),
    ),
    configMaps: new Map(
      beside.filter(({ kind }) => kind === 'ConfigMap').map((object) => [object.name, keysOf(object)]),
    ),
    sharedImage: written.flatMap((item) => imageOf(item.written) ?? [])[0],
    // The frontend routes, whoever says how.
    routerKeys: new Map([
      ...routerFlags,
      ...written.flatMap((item) => [...item.written.fields].filter(([key]) => key.startsWith('router-'))),
    ]),
  };
  const whole = components.map((component) => ({ component, ...completeComponent(component, context) }));
  said.push(...whole.flatMap(({ notices }) => notices));
  const services = new Map<string, Node>(whole.map(({ component, service }) => [component.name, service]));
  const keys = new Map(components.map((component) => [component.name, component.origin]));
  const root = map(
    [
      ['apiVersion', scalar('nvidia.com/v1alpha1', ASSUMED)],
      ['kind', scalar(GRAPH_KIND, ASSUMED)],
      ['metadata', fromJson({ name }, ASSUMED)],
      ['spec', map([['services', { kind: 'map', fields: services, keys, origin: first.origin }]], first.origin)],
    ],
    first.origin,
  );
  const configs = whole.flatMap(({ config }): KubernetesObject[] => {
    if (!config) return [];
    const json = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: config.name }, data: config.data };
    const made = fromJson(json, first.origin);
    return made.kind === 'map' ? [{ root: made, kind: 'ConfigMap', apiVersion: 'v1', name: config.name }] : [];
  });
  return {
    objects: [{ root, kind: GRAPH_KIND, apiVersion: 'nvidia.com/v1alpha1', name }, ...configs],
    diagnostics: said,
  };
}

function imageOf(written: MapNode | undefined): Node | undefined {
  return written?.fields.get('image') ?? mapAt(written, 'extraPodSpec', 'mainContainer')?.fields.get('image');
}

function notice(message: string, origin: Origin): Diagnostic {
  return { severity: 'notice', code: 'ASSUMED', message, ...placeOf(origin) };
}
