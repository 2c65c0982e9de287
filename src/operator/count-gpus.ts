import { itemsAt, type MapNode, mapAt, stringAt } from '../model/node.ts';
import { parseQuantity } from '../model/quantity.ts';

/** Names that stand for whole GPUs or slices of one [150 internal/dra/dra.go:371]. */
function isGpu(resource: string): boolean {
  return resource === 'gpu' || resource.endsWith('/gpu') || resource.includes('/mig-') || resource.startsWith('gpu.');
}

/** GPUs of resource requirements, limits before requests, the first name in order; 0 without. */
function countResources(resources: MapNode | undefined): number {
  for (const side of ['limits', 'requests']) {
    const quantities = mapAt(resources, side);
    const name = [...(quantities?.fields.keys() ?? [])].filter(isGpu).toSorted()[0];
    const value = name === undefined ? undefined : quantities?.fields.get(name);
    if (value?.kind === 'scalar') return parseQuantity(String(value.value)) ?? 0;
  }
  return 0;
}

/** GPUs that the main container of a v1beta1 component asks for [150 internal/dra/dra.go:103]. */
export function countGpus(written: MapNode): number {
  const main = itemsAt(written, 'podTemplate', 'spec', 'containers').find(
    (container) => stringAt(container, 'name') === 'main',
  );
  return countResources(mapAt(main, 'resources'));
}

/** GPUs of a v1alpha1 service: `resources.limits.gpu`, else `requests.gpu` [102 internal/webhook/validation/shared.go]. */
export function countServiceGpus(written: MapNode): number {
  for (const side of ['limits', 'requests']) {
    const text = stringAt(written, 'resources', side, 'gpu');
    if (text) return /^\d+$/.test(text) ? Number(text) : 0;
  }
  return 0;
}
