import { booleanAt, fromJson, type MapNode, type Node, stringAt, withField } from '../model/node.ts';
import type { Origin } from '../model/origin.ts';
import type { Framework } from './backend-framework.ts';
import { mapsAt, nameOf, withAppended, withItems } from './edit-node.ts';
import { envVar } from './merge-envs.ts';

/** Where a framework keeps what it compiles; the others need a written path (facts/operator.md §6.2). */
const DEFAULT_PATH: Partial<Record<Framework, string>> = { vllm: '/root/.cache/vllm' };

export function defaultCachePath(framework: Framework): string | undefined {
  return DEFAULT_PATH[framework];
}

/** `VLLM_CACHE_ROOT`, appended behind the sorted environment [102 backend_vllm.go:76, 150 backend_vllm.go:117]. */
export function withCacheRoot(container: MapNode, framework: Framework, path: string, origin: Origin): MapNode {
  return framework === 'vllm'
    ? withAppended(container, 'env', [envVar('VLLM_CACHE_ROOT', path, origin)], origin)
    : container;
}

/** A volume that is the claim of its own name. */
export function claimVolume(name: string, origin: Origin): Node {
  return fromJson({ name, persistentVolumeClaim: { claimName: name } }, origin);
}

export interface CacheResult {
  readonly container: MapNode;
  readonly path: string | undefined;
  /** Why the operator fails to reconcile, in its own words. */
  readonly problem: string | undefined;
}

/** 1.5: the `compilationCache {pvcName, mountPath}` mount, and older mounts of it made whole [150 graph.go:1849-1935]. */
export function applyCompilationCache(
  container: MapNode,
  cache: MapNode,
  framework: Framework,
  origin: Origin,
): CacheResult {
  const claim = stringAt(cache, 'pvcName') ?? '';
  const path = stringAt(cache, 'mountPath') || defaultCachePath(framework);
  const fail = (problem: string): CacheResult => ({ container, path: undefined, problem });
  if (claim === '') return fail('compilationCache.pvcName is required when compilationCache is set');
  if (path === undefined) {
    return fail(`compilationCache.mountPath is required for backend framework ${framework} (no default available)`);
  }
  const mounts: MapNode[] = [];
  let mounted = false;
  for (const mount of mapsAt(container, 'volumeMounts')) {
    const own = nameOf(mount) === claim;
    const bare = own && !stringAt(mount, 'mountPath');
    if (!bare && stringAt(mount, 'mountPath') !== path) {
      mounts.push(mount);
      continue;
    }
    if (!own) return fail(`compilationCache.mountPath "${path}" is already used by volume "${nameOf(mount)}"`);
    if (booleanAt(mount, 'readOnly')) return fail(`compilation cache volume "${claim}" at "${path}" must be writable`);
    if (!mounted) mounts.push(bare ? withField(mount, 'mountPath', fromJson(path, origin)) : mount);
    mounted = true;
  }
  const added = mounted ? mounts : [...mounts, fromJson({ name: claim, mountPath: path }, cache.origin)];
  return { container: withItems(container, 'volumeMounts', added, origin), path, problem: undefined };
}
