import type { Diagnostic } from '../model/diagnostic.ts';
import type { RuntimeFacts } from '../model/runtime-facts.ts';

/** A directory of this machine that containers are to use: the caller's Hugging Face cache, or one given for a claim. */
export interface HostFolder {
  readonly path: string;
  /** User id that owns it. */
  readonly owner: number;
  /** Everybody may write to it. */
  readonly open: boolean;
}

/** Where the cache of a component's images comes from. */
export type CacheMount =
  | { readonly kind: 'bind'; readonly source: string }
  | { readonly kind: 'volume'; readonly claim: string };

/**
 * The caller's own cache where the user of the image can write to it, else a volume of the project that belongs to that user: a
 * cache that cannot be written fails the first download.
 */
export function chooseCache(
  cache: HostFolder | undefined,
  runtime: RuntimeFacts,
): { readonly mount: CacheMount; readonly notices: readonly Diagnostic[] } {
  const volume: CacheMount = { kind: 'volume', claim: 'huggingface-cache' };
  if (cache === undefined) return { mount: volume, notices: [] };
  if (runtime.user === 0 || cache.open || cache.owner === runtime.user) {
    return { mount: { kind: 'bind', source: cache.path }, notices: [] };
  }
  const message = `${cache.path} belongs to user ${cache.owner} and images of runtime ${runtime.version} run as ${runtime.user}: models are kept in a volume of the project instead`;
  return {
    mount: volume,
    notices: [
      {
        severity: 'notice',
        code: 'MODEL_CACHE',
        message,
        hint: `chown -R ${runtime.user} ${cache.path} lets them use it`,
      },
    ],
  };
}
