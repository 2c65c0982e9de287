import type { Diagnostic } from '../model/diagnostic.ts';
import { booleanAt, type Node } from '../model/node.ts';

/** The Secret that every example names and none brings (facts/deployment-yaml.md §2.4). */
export const HF_SECRET = 'hf-token-secret';

export interface MissingCompanion {
  readonly kind: 'Secret' | 'ConfigMap';
  readonly name: string;
  /** The key that the object lacks; undefined when the whole object is missing. */
  readonly key?: string;
  /** The reference that names it: its `optional` decides. */
  readonly reference: Node;
}

/**
 * A Secret or ConfigMap that nobody gave. Kubernetes keeps a pod waiting for one that is not `optional`, so that is an error here. The
 * Hugging Face token is the exception: public models need none, so it is an error only where `optional: false` is written.
 */
export function missingCompanion({ kind, name, key, reference }: MissingCompanion): Diagnostic[] {
  const optional = booleanAt(reference, 'optional');
  if (optional === true) return [];
  const place = reference.origin.kind === 'file' ? { at: reference.origin.at } : {};
  if (name === HF_SECRET && kind === 'Secret' && key === undefined && optional === undefined) {
    return [
      {
        severity: 'notice',
        code: 'HF_TOKEN_MISSING',
        message: `Secret ${name} is not given and you have no Hugging Face login: only public models can be downloaded`,
        hint: 'set HF_TOKEN, or log in with hf auth login',
      },
    ];
  }
  const code = kind === 'Secret' ? 'SECRET_MISSING' : 'CONFIG_MAP_MISSING';
  const message =
    key === undefined
      ? `${kind} ${name} is not given: a cluster would keep the pod waiting for it`
      : `${kind} ${name} has no key ${key}: a cluster would keep the pod waiting for it`;
  const give =
    kind === 'ConfigMap'
      ? `give it with -f FILE`
      : key === undefined
        ? `give it with -f FILE or --secret ${name}=FILE.env`
        : `give it with --secret ${name}.${key}=VARIABLE`;
  return [{ severity: 'error', code, message, ...place, hint: `${give}, or make the reference optional: true` }];
}
