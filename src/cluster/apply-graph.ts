import { type Json, type MapNode, mapAt, scalar, toJson, withField } from '../model/node.ts';
import { namespaceFlag } from './get-graph.ts';
import type { Kubectl } from './kubectl.ts';

/** Who holds the fields that `push` sets, in the cluster's `managedFields`. */
const FIELD_MANAGER = 'dynamo';

export interface ApplyOptions {
  readonly namespace: string | undefined;
  /** The API server answers as if it did it, and does nothing. */
  readonly dryRun: boolean;
  /** Fields of others are taken over. */
  readonly force: boolean;
}

/**
 * Applies documents, server-side; fields that somebody else holds with another value are conflicts (APPLY_CONFLICT), and stay. Unknown
 * fields are refused. The documents travel on stdin. Rejects with what `kubectl` rejects with.
 */
export function applyDocuments(
  kubectl: Kubectl,
  documents: readonly MapNode[],
  { namespace, dryRun, force }: ApplyOptions,
): Promise<Json> {
  const items = documents.map((document) => toJson(inNamespace(document, namespace)));
  return kubectl.json(
    [
      'apply',
      '--server-side',
      `--field-manager=${FIELD_MANAGER}`,
      '--validate=strict',
      ...(dryRun ? ['--dry-run=server'] : []),
      ...(force ? ['--force-conflicts'] : []),
      ...namespaceFlag(namespace),
      '--filename=-',
    ],
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
  );
}

/** kubectl refuses a document of another namespace than the one on its command line. */
function inNamespace(document: MapNode, namespace: string | undefined): MapNode {
  const metadata = mapAt(document, 'metadata');
  if (namespace === undefined || !metadata) return document;
  const written = scalar(namespace, { kind: 'flag', flag: '--namespace' });
  return withField(document, 'metadata', withField(metadata, 'namespace', written));
}
