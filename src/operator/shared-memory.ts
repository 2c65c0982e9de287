import { fromJson, type MapNode, type Node, scalar, stringAt } from '../model/node.ts';
import type { Origin } from '../model/origin.ts';
import { parseQuantity } from '../model/quantity.ts';
import { mapsAt, nameOf, withItems } from './edit-node.ts';

export const SHARED_MEMORY = 'shared-memory';
const PATH = '/dev/shm';
const MI = 2 ** 20;

/** The default of 0.6 to 1.5 [102 internal/dynamo/shared_memory.go]. */
const DEFAULT_SIZE = '8Gi';

/** 0.4: a quarter of the memory limit, at least 512Mi, at most 8Gi; 512Mi without a limit [041 graph.go:1182]. */
export function sharedMemoryOfLimit(memoryLimit: string | undefined, origin: Origin): Node {
  const limit = memoryLimit === undefined ? undefined : parseQuantity(memoryLimit);
  const quarter = limit === undefined ? 0 : Math.floor(limit / 4);
  const bytes = Math.min(Math.max(quarter, 512 * MI), 8192 * MI);
  return scalar(bytes % MI === 0 ? `${bytes / MI}Mi` : String(bytes), origin);
}

/**
 * The size that `sharedMemory {disabled, size}` or `sharedMemorySize` asks for; undefined where shared memory is off.
 * A size of zero counts as none in v1alpha1 and as off in v1beta1.
 */
export function sharedMemorySize(
  written: Node | undefined,
  zero: 'default' | 'disabled',
  origin: Origin,
): Node | undefined {
  const standard = scalar(DEFAULT_SIZE, origin);
  if (written === undefined) return standard;
  if (written.kind !== 'scalar') return standard;
  const bytes = parseQuantity(String(written.value));
  if (bytes === 0) return zero === 'disabled' ? undefined : standard;
  return written;
}

/**
 * The tmpfs behind /dev/shm on the main container alone: it takes the place of a volume of its name and of mounts of its name or
 * path (internal/dynamo/shared_memory.go).
 */
export function applySharedMemory(
  podSpec: MapNode,
  container: MapNode,
  size: Node | undefined,
  origin: Origin,
): { readonly podSpec: MapNode; readonly container: MapNode } {
  if (size === undefined) return { podSpec, container };
  const emptyDir = fromJson({ medium: 'Memory' }, origin);
  const volume = fromJson({ name: SHARED_MEMORY }, origin);
  if (emptyDir.kind !== 'map' || volume.kind !== 'map') return { podSpec, container };
  const sized: MapNode = { ...emptyDir, fields: new Map([...emptyDir.fields, ['sizeLimit', size]]) };
  const whole: MapNode = { ...volume, fields: new Map([...volume.fields, ['emptyDir', sized]]) };
  const mount = fromJson({ name: SHARED_MEMORY, mountPath: PATH }, origin);
  const volumes = mapsAt(podSpec, 'volumes').filter((existing) => nameOf(existing) !== SHARED_MEMORY);
  const mounts = mapsAt(container, 'volumeMounts').filter(
    (existing) => nameOf(existing) !== SHARED_MEMORY && stringAt(existing, 'mountPath') !== PATH,
  );
  return {
    podSpec: withItems(podSpec, 'volumes', [...volumes, whole], origin),
    container: withItems(container, 'volumeMounts', [...mounts, mount], origin),
  };
}
