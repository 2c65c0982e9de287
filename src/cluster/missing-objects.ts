import { type Diagnostic, UserError } from '../model/diagnostic.ts';
import { namespaceFlag } from './get-graph.ts';
import type { Kubectl } from './kubectl.ts';
import type { NamedObject } from './named-objects.ts';

const KINDS = {
  secret: { code: 'SECRET_MISSING', label: 'Secret' },
  persistentvolumeclaim: { code: 'CLAIM_MISSING', label: 'PersistentVolumeClaim' },
} as const;

/**
 * An error for each object that is not there, with what makes it; a warning for each that may not be looked at. Only names are asked
 * for: no value of a Secret reaches this program. Rejects with what `kubectl` rejects with.
 */
export async function missingObjects(
  kubectl: Kubectl,
  objects: readonly NamedObject[],
  namespace: string | undefined,
): Promise<readonly Diagnostic[]> {
  const found = await Promise.all(objects.map((object) => lookFor(kubectl, object, namespace)));
  return found.flat();
}

async function lookFor(
  kubectl: Kubectl,
  { kind, name, node }: NamedObject,
  namespace: string | undefined,
): Promise<readonly Diagnostic[]> {
  const { code, label } = KINDS[kind];
  const at = node.origin.kind === 'file' ? { at: node.origin.at } : {};
  try {
    await kubectl.name(['get', `${kind}/${name}`, ...namespaceFlag(namespace)]);
    return [];
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    if (error.code === 'FORBIDDEN') {
      const message = `whether the cluster has the ${label} ${name} is not yours to know`;
      return [{ severity: 'warning', code: 'NOT_CHECKED', message, ...at }];
    }
    if (error.code !== 'NOT_THERE') throw error;
    const made = `${howToMake(kind, name)}${namespaceFlag(namespace).map((flag) => ` ${flag}`)}`;
    const hint = kind === 'secret' ? `${made}; or push with --create-secrets ${name}` : made;
    return [{ severity: 'error', code, message: `the cluster has no ${label} ${name}`, ...at, hint }];
  }
}

function howToMake(kind: NamedObject['kind'], name: string): string {
  if (kind === 'secret') return `kubectl create secret generic ${name} --from-env-file=FILE`;
  return `put a PersistentVolumeClaim ${name} in the file, or kubectl apply -f FILE`;
}
