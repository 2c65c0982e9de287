import type { Diagnostic } from '../model/diagnostic.ts';
import type { Companions, Graph } from '../model/graph.ts';
import type { OperatorGeneration } from '../model/origin.ts';
import type { SourceDocument } from '../source/parse-documents.ts';
import { checkCelRules } from './check-cel-rules.ts';
import { checkFields } from './check-fields.ts';
import { checkMetadata } from './check-metadata.ts';
import { checkRunnable, refuseEmpty } from './check-runnable.ts';
import { readCompanions } from './read-companions.ts';
import { checkApiVersion, readGraph } from './read-graph.ts';
import { type KubernetesObject, readObjects } from './read-objects.ts';
import { selectGraph } from './select-graph.ts';

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

const HOLES: readonly string[] = ['IMAGE_HOLE', 'TEMPLATE_HOLE', 'HELM_TEMPLATE'];

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
  const read = readGraph(object, companions);
  if (refusals.length > 0 || !read) return { graph: undefined, diagnostics: refusals };
  const { version, root, graph } = read;
  const problems = [...checkMetadata(root, options.strict), ...checkFields(root, { ...options, apiVersion: version })];
  if (!graph) {
    const errors = problems.filter(({ severity }) => severity === 'error');
    return { graph: undefined, diagnostics: errors.length > 0 ? problems : [...problems, refuseEmpty(object)] };
  }
  const own = checkRunnable(graph, version);
  const holes = own.filter(({ code }) => HOLES.includes(code));
  const isWrong = problems.some(({ severity, code }) => severity === 'error' && code !== 'MISSING_FIELD');
  const wholeness = own.filter((one) => !holes.includes(one) && (one.code !== 'NO_COMPONENTS' || !isWrong));
  const rules = checkCelRules(graph.spec, graph.components, { ...options, apiVersion: version });
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
