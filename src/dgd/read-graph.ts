import type { Diagnostic } from '../model/diagnostic.ts';
import type { ApiVersion, Companions, Graph, GraphComponent } from '../model/graph.ts';
import { itemsAt, type MapNode, map, mapAt, stringAt } from '../model/node.ts';
import type { OperatorGeneration } from '../model/origin.ts';
import { type CheckFieldsOptions, generationsOf } from './check-fields.ts';
import { readNamespace } from './check-metadata.ts';
import { placeOf } from './place.ts';
import { pruneMap } from './prune-nulls.ts';
import type { KubernetesObject } from './read-objects.ts';
import { suggestName } from './suggest-name.ts';

export type GraphVersion = CheckFieldsOptions['apiVersion'];

const API_VERSIONS: Readonly<Record<ApiVersion, GraphVersion>> = {
  'nvidia.com/v1alpha1': 'v1alpha1',
  'nvidia.com/v1beta1': 'v1beta1',
};

/** An error about a node. */
export function refuse(
  code: string,
  message: string,
  node: { readonly origin: MapNode['origin'] },
  hint?: string,
): Diagnostic {
  return { severity: 'error', code, message, ...placeOf(node.origin), ...(hint ? { hint } : {}) };
}

function isApiVersion(text: string): text is ApiVersion {
  return Object.hasOwn(API_VERSIONS, text);
}

/** What is wrong with the API version of a graph, for an operator of this generation. */
export function checkApiVersion({ root, apiVersion }: KubernetesObject, generation: OperatorGeneration): Diagnostic[] {
  const place = root.fields.get('apiVersion') ?? root;
  const known = Object.keys(API_VERSIONS);
  if (!isApiVersion(apiVersion)) {
    const message = apiVersion === '' ? 'apiVersion is missing' : `apiVersion "${apiVersion}" is not known`;
    return [refuse('API_VERSION', message, place, `write ${suggestName(apiVersion, known) ?? known.join(' or ')}`)];
  }
  const serving = generationsOf(API_VERSIONS[apiVersion]);
  if (serving.includes(generation)) return [];
  const hint = `use --operator-version ${serving.join(' or ')}`;
  return [refuse('API_VERSION', `operator ${generation} does not know ${apiVersion}`, place, hint)];
}

function readComponents(spec: MapNode, version: GraphVersion): GraphComponent[] {
  if (version === 'v1alpha1') {
    const services = mapAt(spec, 'services');
    return [...(services?.fields ?? [])].flatMap(([name, written]) =>
      written.kind === 'map' ? [{ name, written, origin: services?.keys?.get(name) ?? written.origin }] : [],
    );
  }
  return itemsAt(spec, 'components').flatMap((written) =>
    written.kind === 'map' ? [{ name: stringAt(written, 'name') ?? '', written, origin: written.origin }] : [],
  );
}

/** An object as a graph, its nulls pruned as the API server does. No graph where it has no spec; undefined in an API version of no operator. */
export function readGraph(
  object: KubernetesObject,
  companions: Companions,
): { readonly version: GraphVersion; readonly root: MapNode; readonly graph: Graph | undefined } | undefined {
  const { apiVersion, name } = object;
  if (!isApiVersion(apiVersion)) return undefined;
  const version = API_VERSIONS[apiVersion];
  const root = pruneMap(object.root);
  const spec = mapAt(root, 'spec');
  if (!spec) return { version, root, graph: undefined };
  const metadata = mapAt(root, 'metadata') ?? map([], root.origin);
  const graph: Graph = {
    apiVersion,
    name,
    namespace: readNamespace(metadata),
    metadata,
    spec,
    components: readComponents(spec, version),
    companions,
    origin: root.origin,
  };
  return { version, root, graph };
}
