import { type Diagnostic, UserError } from '../model/diagnostic.ts';
import type { ApiVersion, Companions, Graph, GraphComponent } from '../model/graph.ts';
import { itemsAt, type MapNode, map, mapAt, stringAt } from '../model/node.ts';
import type { OperatorGeneration, Origin } from '../model/origin.ts';
import type { SourceDocument } from '../source/parse-documents.ts';
import { checkFields, generationsOf } from './check-fields.ts';
import { findHoles } from './find-holes.ts';
import { pruneMap } from './prune-nulls.ts';

const KIND = 'DynamoGraphDeployment';
const API_VERSIONS: readonly ApiVersion[] = ['nvidia.com/v1alpha1', 'nvidia.com/v1beta1'];

/** Kinds that somebody might take for a graph, and what they are. */
const OTHER_KINDS: Readonly<Record<string, string>> = {
  DynamoGraphDeploymentRequest: 'the profiler of a cluster makes graphs of it',
  DynamoComponentDeployment: 'the operator makes these of a graph: name the graph',
  DynamoModel: 'it adds a LoRA to a graph that runs',
  CustomResourceDefinition: 'it defines the kind and deploys nothing',
  Kustomization: 'render it first: kubectl kustomize DIR | dynamo up -',
  Deployment: 'only DynamoGraphDeployment files are run',
};

export interface DecodeOptions {
  readonly generation: OperatorGeneration;
  /** `--name`: which graph of the file. */
  readonly name: string | undefined;
  readonly strict: boolean;
}

interface Kinded {
  readonly root: MapNode;
  readonly kind: string;
  readonly apiVersion: string;
  readonly name: string;
}

function place(origin: Origin): Pick<Diagnostic, 'at'> {
  return origin.kind === 'file' ? { at: origin.at } : {};
}

/** The graph of the documents, with everything that stands beside it; problems come as diagnostics. */
export function decodeGraph(
  documents: readonly SourceDocument[],
  options: DecodeOptions,
): { readonly graph: Graph | undefined; readonly diagnostics: readonly Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  const kinded: Kinded[] = [];
  for (const { root, at } of documents) {
    const entry = root.kind === 'map' ? root : undefined;
    const kind = stringAt(entry, 'kind');
    if (!entry || kind === undefined) {
      diagnostics.push(notKubernetes(entry, at));
      continue;
    }
    kinded.push({
      root: pruneMap(entry),
      kind,
      apiVersion: stringAt(entry, 'apiVersion') ?? '',
      name: stringAt(entry, 'metadata', 'name') ?? '',
    });
  }
  const graphs = kinded.filter((document) => document.kind === KIND);
  const chosen = options.name === undefined ? graphs : graphs.filter((document) => document.name === options.name);
  const [only, ...others] = chosen;
  if (!only) {
    if (graphs.length > 0) diagnostics.push(unknownName(options.name ?? '', graphs));
    else if (diagnostics.length === 0) diagnostics.push(noGraph(kinded));
    return { graph: undefined, diagnostics };
  }
  if (others.length > 0) {
    return { graph: undefined, diagnostics: [...diagnostics, severalGraphs([only, ...others])] };
  }
  for (const document of kinded) {
    if (document.kind !== KIND && !COMPANION_KINDS.includes(document.kind)) diagnostics.push(ignoredKind(document));
  }
  const graph = decodeOne(only, readCompanions(kinded), options, diagnostics);
  return { graph, diagnostics };
}

const COMPANION_KINDS: readonly string[] = ['Secret', 'ConfigMap', 'PersistentVolumeClaim'];

function readCompanions(documents: readonly Kinded[]): Companions {
  const byName = (kind: string) =>
    new Map(documents.filter((document) => document.kind === kind).map((document) => [document.name, document.root]));
  return { secrets: byName('Secret'), configMaps: byName('ConfigMap'), claims: byName('PersistentVolumeClaim') };
}

function decodeOne(
  document: Kinded,
  companions: Companions,
  options: DecodeOptions,
  diagnostics: Diagnostic[],
): Graph | undefined {
  const { root } = document;
  const apiVersion = API_VERSIONS.find((known) => known === document.apiVersion);
  if (!apiVersion) {
    diagnostics.push({
      severity: 'error',
      code: 'API_VERSION',
      message:
        document.apiVersion === '' ? 'apiVersion is missing' : `apiVersion "${document.apiVersion}" is not known`,
      ...place(root.fields.get('apiVersion')?.origin ?? root.origin),
      hint: `write ${API_VERSIONS.join(' or ')}`,
    });
    return undefined;
  }
  const short = apiVersion === 'nvidia.com/v1alpha1' ? 'v1alpha1' : 'v1beta1';
  if (!generationsOf(short).includes(options.generation)) {
    diagnostics.push({
      severity: 'error',
      code: 'API_VERSION',
      message: `operator ${options.generation} does not know ${apiVersion}`,
      ...place(root.fields.get('apiVersion')?.origin ?? root.origin),
      hint: `use --operator-version ${generationsOf(short).join(' or ')}`,
    });
    return undefined;
  }
  const metadata = mapAt(root, 'metadata');
  if (document.name === '') {
    diagnostics.push({
      severity: 'error',
      code: 'NAME_MISSING',
      message: 'metadata.name is missing',
      ...place(metadata?.origin ?? root.origin),
    });
  } else if (!/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(document.name)) {
    diagnostics.push({
      severity: 'error',
      code: 'NAME_INVALID',
      message: `metadata.name "${document.name}" must be lower-case letters, digits, "-" and "."`,
      ...place(metadata?.fields.get('name')?.origin ?? root.origin),
    });
  }
  const spec = root.fields.get('spec');
  if (!spec) {
    diagnostics.push({
      severity: 'error',
      code: 'SPEC_EMPTY',
      message: `graph "${document.name}" has no spec: it describes nothing to run`,
      ...place(root.origin),
    });
    return undefined;
  }
  diagnostics.push(...checkFields(spec, { apiVersion: short, generation: options.generation, strict: options.strict }));
  if (spec.kind !== 'map') return undefined;
  const components = readComponents(spec, short);
  if (components.length === 0) {
    const field = short === 'v1alpha1' ? 'services' : 'components';
    diagnostics.push({
      severity: 'error',
      code: 'NO_COMPONENTS',
      message: `spec.${field} is empty: the graph has no component`,
      ...place(spec.origin),
    });
  }
  diagnostics.push(...checkPatch(components, short), ...findHoles(components));
  const graph: Graph = {
    apiVersion,
    name: document.name,
    namespace: stringAt(metadata, 'namespace'),
    metadata: metadata ?? map([], root.origin),
    spec,
    components,
    companions,
    origin: root.origin,
  };
  return graph;
}

function readComponents(spec: MapNode, apiVersion: 'v1alpha1' | 'v1beta1'): GraphComponent[] {
  if (apiVersion === 'v1alpha1') {
    const services = mapAt(spec, 'services');
    return [...(services?.fields ?? [])].flatMap(([name, written]) =>
      written.kind === 'map' ? [{ name, written, origin: services?.keys?.get(name) ?? written.origin }] : [],
    );
  }
  return itemsAt(spec, 'components').flatMap((written) =>
    written.kind === 'map' ? [{ name: stringAt(written, 'name') ?? '', written, origin: written.origin }] : [],
  );
}

/** A partial graph, which kustomize lays over a whole one: no component names an image, and none is complete without. */
function checkPatch(components: readonly GraphComponent[], apiVersion: 'v1alpha1' | 'v1beta1'): Diagnostic[] {
  const hasImage = (component: GraphComponent) =>
    apiVersion === 'v1alpha1'
      ? stringAt(component.written, 'extraPodSpec', 'mainContainer', 'image') !== undefined
      : itemsAt(component.written, 'podTemplate', 'spec', 'containers').some(
          (container) => stringAt(container, 'image') !== undefined,
        );
  const first = components[0];
  if (!first || components.some(hasImage)) return [];
  return [
    {
      severity: 'error',
      code: 'KUSTOMIZE_PATCH',
      message: 'no component names an image: this looks like a kustomize patch and not like a whole graph',
      ...place(first.origin),
      hint: 'render the overlay: kubectl kustomize DIR | dynamo up -',
    },
  ];
}

function notKubernetes(entry: MapNode | undefined, at: SourceDocument['at']): Diagnostic {
  const hint = `a graph begins with apiVersion: nvidia.com/v1beta1 and kind: ${KIND}`;
  if (!entry) return { severity: 'error', code: 'NOT_A_GRAPH', message: 'this is no Kubernetes document', at, hint };
  return { severity: 'error', code: 'KIND_MISSING', message: 'the document has no kind', at, hint };
}

function noGraph(documents: readonly Kinded[]): Diagnostic {
  const first = documents[0];
  const kinds = [...new Set(documents.map((document) => document.kind))].join(', ');
  const why = first ? OTHER_KINDS[first.kind] : undefined;
  return {
    severity: 'error',
    code: 'WRONG_KIND',
    message: kinds === '' ? `the file holds no document` : `the file holds ${kinds} and no ${KIND}`,
    ...(first ? place(first.root.fields.get('kind')?.origin ?? first.root.origin) : {}),
    ...(why ? { hint: why } : {}),
  };
}

function unknownName(name: string, graphs: readonly Kinded[]): Diagnostic {
  return {
    severity: 'error',
    code: 'NAME_UNKNOWN',
    message: `the file has no graph "${name}"`,
    hint: `--name takes one of ${graphs.map((graph) => graph.name).join(', ')}`,
  };
}

function severalGraphs(graphs: readonly Kinded[]): Diagnostic {
  const names = graphs.map((graph) => graph.name);
  return {
    severity: 'error',
    code: 'SEVERAL_GRAPHS',
    message: `the file holds ${graphs.length} graphs: ${names.join(', ')}`,
    ...place(graphs[1]?.root.origin ?? graphs[0]?.root.origin ?? { kind: 'flag', flag: '' }),
    hint: `choose one with --name ${names[0] ?? ''}`,
  };
}

function ignoredKind(document: Kinded): Diagnostic {
  const why = OTHER_KINDS[document.kind];
  return {
    severity: 'notice',
    code: 'IGNORED_DOCUMENT',
    message: `${document.kind} ${document.name} is left out${why ? `: ${why}` : ''}`,
    ...place(document.root.origin),
  };
}

/** Only for callers that have checked the diagnostics: the graph is there when none of them is an error. */
export function requireGraph(graph: Graph | undefined): Graph {
  if (graph) return graph;
  throw new UserError('NOT_A_GRAPH', 'the input holds no graph');
}
