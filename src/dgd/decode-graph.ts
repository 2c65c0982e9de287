import type { Diagnostic } from '../model/diagnostic.ts';
import type { ApiVersion, Companions, Graph, GraphComponent } from '../model/graph.ts';
import { itemsAt, type MapNode, map, mapAt, stringAt } from '../model/node.ts';
import type { OperatorGeneration } from '../model/origin.ts';
import type { SourceDocument } from '../source/parse-documents.ts';
import { checkClusterRules } from './check-cluster-rules.ts';
import { type CheckFieldsOptions, checkFields, generationsOf } from './check-fields.ts';
import { checkMetadata, readNamespace } from './check-metadata.ts';
import { findHoles } from './find-holes.ts';
import { placeOf } from './place.ts';
import { pruneMap } from './prune-nulls.ts';
import { readCompanions } from './read-companions.ts';
import { GRAPH_KIND, type KubernetesObject, readObjects } from './read-objects.ts';
import { selectGraph } from './select-graph.ts';
import { suggestName } from './suggest-name.ts';

const API_VERSIONS: Readonly<Record<ApiVersion, CheckFieldsOptions['apiVersion']>> = {
  'nvidia.com/v1alpha1': 'v1alpha1',
  'nvidia.com/v1beta1': 'v1beta1',
};

export interface DecodeOptions {
  readonly generation: OperatorGeneration;
  /** Errors are those of this generation's CRD; otherwise what another generation accepts is a warning. */
  readonly strict: boolean;
}

export interface Decoded {
  /** Undefined only beside an error. */
  readonly graph: Graph | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

function refuse(
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

function checkApiVersion({ root, apiVersion }: KubernetesObject, generation: OperatorGeneration): Diagnostic[] {
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

function readComponents(spec: MapNode, version: CheckFieldsOptions['apiVersion']): GraphComponent[] {
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

/** A partial graph, which kustomize lays over a whole one: its components name neither a type nor an image nor a command. */
function looksLikePatch(components: readonly GraphComponent[]): boolean {
  const isPartial = ({ written }: GraphComponent): boolean => {
    const containers = [
      mapAt(written, 'extraPodSpec', 'mainContainer'),
      ...itemsAt(written, 'podTemplate', 'spec', 'containers'),
      mapAt(written, 'frontendSidecar'),
    ];
    const names = ['componentType', 'type', 'subComponentType'].some((field) => written.fields.has(field));
    const runs = ['image', 'command', 'args'];
    return (
      !names &&
      !containers.some((container) => container?.kind === 'map' && runs.some((field) => container.fields.has(field)))
    );
  };
  return components.length > 0 && components.every(isPartial);
}

function checkComponents(spec: MapNode, components: readonly GraphComponent[], field: string): Diagnostic[] {
  const [first] = components;
  if (!first) return [refuse('NO_COMPONENTS', `spec.${field} is empty: the graph has no component`, spec)];
  if (!looksLikePatch(components)) return [];
  const message = 'no component names a type, an image or a command: this is a kustomize patch and not a whole graph';
  return [refuse('KUSTOMIZE_PATCH', message, first, 'render the overlay: kubectl kustomize DIR | dynamo up -')];
}

/** A hole explains every other problem of its value. */
function dropConsequences(problems: readonly Diagnostic[], holes: readonly Diagnostic[]): Diagnostic[] {
  const places = new Set(holes.filter(({ at }) => at).map(({ at }) => `${at?.line}:${at?.col}`));
  return problems.filter(({ at }) => at === undefined || !places.has(`${at.line}:${at.col}`));
}

/** Positions in file order; what has none stays in front. */
function sortByPlace(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const first = diagnostics.find(({ at }) => at)?.at?.file;
  const rank = ({ at }: Diagnostic): number => (at === undefined ? -1 : at.file === first ? 0 : 1);
  return diagnostics.toSorted(
    (a, b) => rank(a) - rank(b) || (a.at?.line ?? 0) - (b.at?.line ?? 0) || (a.at?.col ?? 0) - (b.at?.col ?? 0),
  );
}

function decodeObject(object: KubernetesObject, companions: Companions, options: DecodeOptions): Decoded {
  const refusals = checkApiVersion(object, options.generation);
  if (refusals.length > 0 || !isApiVersion(object.apiVersion)) return { graph: undefined, diagnostics: refusals };
  const { apiVersion } = object;
  const version = API_VERSIONS[apiVersion];
  const root = pruneMap(object.root);
  const problems = [...checkMetadata(root), ...checkFields(root, { ...options, apiVersion: version })];
  const metadata = mapAt(root, 'metadata') ?? map([], root.origin);
  const spec = mapAt(root, 'spec');
  if (!spec) {
    const empty = refuse('SPEC_EMPTY', `graph "${object.name}" has no spec: it describes nothing to run`, root);
    const errors = problems.filter(({ severity }) => severity === 'error');
    return { graph: undefined, diagnostics: errors.length > 0 ? problems : [...problems, empty] };
  }
  const components = readComponents(spec, version);
  const holes = findHoles(spec, components);
  const own = checkComponents(spec, components, version === 'v1alpha1' ? 'services' : 'components');
  const isWrong = problems.some(({ severity, code }) => severity === 'error' && code !== 'MISSING_FIELD');
  const wholeness = own.filter(({ code }) => code !== 'NO_COMPONENTS' || !isWrong);
  const graph: Graph = {
    apiVersion,
    name: object.name,
    namespace: readNamespace(metadata),
    metadata,
    spec,
    components,
    companions,
    origin: root.origin,
  };
  const rules = checkClusterRules(spec, components, { ...options, apiVersion: version });
  return { graph, diagnostics: [...dropConsequences(problems, holes), ...holes, ...wholeness, ...rules] };
}

/**
 * The graph of the documents (the one that `name` names, where there are several) with the Secrets, ConfigMaps and claims beside it.
 * Every problem of it comes as a diagnostic, in file order; other graphs of the file are not looked at.
 */
export function decodeGraph(
  documents: readonly SourceDocument[],
  options: DecodeOptions & { readonly name?: string | undefined },
): Decoded {
  const { objects, diagnostics } = readObjects(documents);
  const selected = selectGraph(objects, options.name);
  if (!selected.graph) {
    return { graph: undefined, diagnostics: diagnostics.length > 0 ? diagnostics : selected.diagnostics };
  }
  const beside = readCompanions(objects);
  const decoded = decodeObject(selected.graph, beside.companions, options);
  return {
    graph: decoded.graph,
    diagnostics: sortByPlace([...diagnostics, ...decoded.diagnostics, ...beside.diagnostics]),
  };
}

/** All graphs of the documents, as `validate` looks at them. Where there is none, the diagnostics say what is there instead. */
export function decodeGraphs(
  documents: readonly SourceDocument[],
  options: DecodeOptions,
): { readonly graphs: readonly Graph[]; readonly diagnostics: readonly Diagnostic[] } {
  const { objects, diagnostics } = readObjects(documents);
  const graphs = objects.filter(({ kind }) => kind === GRAPH_KIND);
  if (graphs.length === 0)
    return {
      graphs: [],
      diagnostics: diagnostics.length > 0 ? diagnostics : selectGraph(objects, undefined).diagnostics,
    };
  const beside = readCompanions(objects);
  const decoded = graphs.map((object) => decodeObject(object, beside.companions, options));
  return {
    graphs: decoded.flatMap(({ graph }) => graph ?? []),
    diagnostics: sortByPlace([...diagnostics, ...decoded.flatMap((one) => one.diagnostics), ...beside.diagnostics]),
  };
}
