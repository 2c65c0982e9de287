import type { Diagnostic } from '../model/diagnostic.ts';
import { itemsAt, type MapNode, type Node, stringAt } from '../model/node.ts';
import type { SourceDocument } from '../source/parse-documents.ts';
import { placeOf } from './place.ts';
import { fragmentOf, readFragments } from './read-fragment.ts';

export const GRAPH_KIND = 'DynamoGraphDeployment';

/** A Kubernetes object of the input, as written. */
export interface KubernetesObject {
  readonly root: MapNode;
  readonly kind: string;
  /** `''` where it is missing. */
  readonly apiVersion: string;
  /** `metadata.name`, `''` where it is missing. */
  readonly name: string;
}

const BEGINNING = `a graph begins with apiVersion: nvidia.com/v1beta1 and kind: ${GRAPH_KIND}`;

function refuse(root: Node): Diagnostic {
  const refusal = (code: string, message: string, hint = BEGINNING): Diagnostic => ({
    severity: 'error',
    code,
    message,
    ...placeOf(root.origin),
    hint,
  });
  if (root.kind === 'list') return refusal('NOT_A_GRAPH', 'this is a list and no Kubernetes document');
  if (root.kind === 'scalar') return refusal('NOT_A_GRAPH', 'this is plain text and no Kubernetes document');
  if (root.fields.has('services') && !root.fields.has('apiVersion')) {
    return refusal(
      'KIND_MISSING',
      'this looks like a compose file: the document has no kind',
      'docker compose up runs those',
    );
  }
  if (['resources', 'patches', 'components'].some((key) => root.fields.has(key)) && !root.fields.has('spec')) {
    return refusal(
      'KIND_MISSING',
      'this looks like a kustomization: the document has no kind',
      'render it: kubectl kustomize DIR | dynamo up -',
    );
  }
  return refusal('KIND_MISSING', 'the document has no kind');
}

/**
 * The objects of the documents, in order; `kind: List` counts as its items, and components without header are made a graph. What is no
 * Kubernetes object comes as an error.
 */
export function readObjects(documents: readonly SourceDocument[]): {
  readonly objects: readonly KubernetesObject[];
  readonly diagnostics: readonly Diagnostic[];
} {
  const diagnostics: Diagnostic[] = [];
  const readRoot = (root: Node): KubernetesObject[] => {
    const kind = stringAt(root, 'kind');
    if (root.kind !== 'map' || kind === undefined || kind === '') {
      diagnostics.push(refuse(root));
      return [];
    }
    if (kind === 'List' || kind === `${GRAPH_KIND}List`) return itemsAt(root, 'items').flatMap(readRoot);
    const apiVersion = stringAt(root, 'apiVersion') ?? '';
    return [{ root, kind, apiVersion, name: stringAt(root, 'metadata', 'name') ?? '' }];
  };
  const fragments = documents.flatMap(({ root }) => fragmentOf(root) ?? []);
  const objects = documents.flatMap(({ root }) => (fragmentOf(root) ? [] : readRoot(root)));
  const whole = readFragments(fragments, objects);
  return { objects: [...objects, ...whole.objects], diagnostics: [...diagnostics, ...whole.diagnostics] };
}
