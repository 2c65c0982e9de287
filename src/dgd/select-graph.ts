import type { Diagnostic } from '../model/diagnostic.ts';
import { explainKind } from './other-kinds.ts';
import { placeOf } from './place.ts';
import { GRAPH_KIND, type KubernetesObject } from './read-objects.ts';
import { suggestName } from './suggest-name.ts';

type Refusal = readonly [code: string, message: string, at: KubernetesObject | undefined, hint: string | undefined];

function refuseAll(objects: readonly KubernetesObject[]): Refusal {
  const first = objects[0];
  if (!first) return ['NO_DOCUMENT', 'the input holds no document', undefined, undefined];
  const meant = objects.find(({ kind }) => suggestName(kind, [GRAPH_KIND]) !== undefined);
  if (meant && !explainKind(meant.kind)) {
    return ['WRONG_KIND', `the kind ${meant.kind} is not known`, meant, `did you mean "${GRAPH_KIND}"?`];
  }
  const kinds = [...new Set(objects.map(({ kind }) => kind))].join(', ');
  return ['WRONG_KIND', `the input holds ${kinds} and no ${GRAPH_KIND}`, first, explainKind(first.kind)];
}

function refuseChoice(
  graphs: readonly KubernetesObject[],
  chosen: readonly KubernetesObject[],
  name: string | undefined,
): Refusal {
  const names = graphs.map((graph) => graph.name);
  if (chosen.length === 0) {
    const meant = suggestName(name ?? '', names);
    const hint = meant
      ? `did you mean "${meant}"? --name takes one of ${names.join(', ')}`
      : `--name takes one of ${names.join(', ')}`;
    return ['NAME_UNKNOWN', `the input has no graph "${name}"`, graphs[0], hint];
  }
  const message =
    name === undefined
      ? `the input holds ${graphs.length} graphs: ${names.join(', ')}`
      : `the input holds ${chosen.length} graphs named "${name}"`;
  const hint = name === undefined ? `choose one with --name, for example --name ${names[0]}` : 'keep one of them';
  return ['SEVERAL_GRAPHS', message, chosen[1], hint];
}

/**
 * The one graph of the objects, or the one that `--name` names. Refusals: NO_DOCUMENT, WRONG_KIND, NAME_UNKNOWN, SEVERAL_GRAPHS (with
 * all names).
 */
export function selectGraph(
  objects: readonly KubernetesObject[],
  name: string | undefined,
): { readonly graph: KubernetesObject | undefined; readonly diagnostics: readonly Diagnostic[] } {
  const graphs = objects.filter(({ kind }) => kind === GRAPH_KIND);
  const chosen = name === undefined ? graphs : graphs.filter((graph) => graph.name === name);
  if (chosen.length === 1) return { graph: chosen[0], diagnostics: [] };
  const [code, message, at, hint] = graphs.length === 0 ? refuseAll(objects) : refuseChoice(graphs, chosen, name);
  const place = placeOf(at?.root.fields.get('kind')?.origin ?? at?.root.origin);
  return { graph: undefined, diagnostics: [{ severity: 'error', code, message, ...place, ...(hint ? { hint } : {}) }] };
}
