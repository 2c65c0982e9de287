import type { Diagnostic } from '../model/diagnostic.ts';
import type { Graph } from '../model/graph.ts';
import type { OperatorGeneration } from '../model/origin.ts';
import type { SourceDocument } from '../source/parse-documents.ts';
import { checkCelRules } from './check-cel-rules.ts';
import { checkFields } from './check-fields.ts';
import { checkMetadata } from './check-metadata.ts';
import { checkRunnable, refuseEmpty } from './check-runnable.ts';
import { readCompanions } from './read-companions.ts';
import { checkApiVersion, readGraph } from './read-graph.ts';
import { GRAPH_KIND, type KubernetesObject, readObjects } from './read-objects.ts';
import { selectGraph } from './select-graph.ts';

/** A graph of a file, with what each of the API server's own checks has against a create, before any webhook. */
export interface InspectedGraph {
  readonly name: string;
  /** As written. */
  readonly apiVersion: string;
  /** Undefined where the API version is none, or nothing stands below `spec`. */
  readonly graph: Graph | undefined;
  /** Metadata, types, unknown fields, limits. */
  readonly fields: readonly Diagnostic[];
  /** The CRD's rules, which are looked at when the fields are right. */
  readonly rules: readonly Diagnostic[];
  /** What a cluster takes and a run here would not; errors of `up`. */
  readonly local: readonly Diagnostic[];
}

function inspect(
  object: KubernetesObject,
  companions: Graph['companions'],
  generation: OperatorGeneration,
): InspectedGraph {
  const { name, apiVersion } = object;
  const refusals = checkApiVersion(object, generation);
  const read = readGraph(object, companions);
  if (refusals.length > 0 || !read)
    return { name, apiVersion, graph: undefined, fields: refusals, rules: [], local: [] };
  const { version, root, graph } = read;
  const options = { apiVersion: version, generation, strict: true };
  const fields = [...checkMetadata(root, true), ...checkFields(root, options)];
  if (!graph) return { name, apiVersion, graph, fields, rules: [], local: [refuseEmpty(object)] };
  const rules = checkCelRules(graph.spec, graph.components, options);
  return { name, apiVersion, graph, fields, rules, local: checkRunnable(graph, version) };
}

/** Every graph of the documents, and what is wrong with the documents beside them. Where there is none, the diagnostics say what is there. */
export function inspectGraphs(
  documents: readonly SourceDocument[],
  generation: OperatorGeneration,
): { readonly graphs: readonly InspectedGraph[]; readonly diagnostics: readonly Diagnostic[] } {
  const { objects, diagnostics } = readObjects(documents);
  const graphs = objects.filter(({ kind }) => kind === GRAPH_KIND);
  if (graphs.length === 0) {
    return {
      graphs: [],
      diagnostics: diagnostics.length > 0 ? diagnostics : selectGraph(objects, undefined).diagnostics,
    };
  }
  const beside = readCompanions(objects);
  return {
    graphs: graphs.map((object) => inspect(object, beside.companions, generation)),
    diagnostics: [...diagnostics, ...beside.diagnostics],
  };
}
