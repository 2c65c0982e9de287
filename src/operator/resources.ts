import { type MapNode, map, mapAt, type Node, scalar, stringAt, withField } from '../model/node.ts';
import type { OperatorGeneration, Origin } from '../model/origin.ts';
import { parseQuantity } from '../model/quantity.ts';
import { withAppended } from './edit-node.ts';

const GPU = 'nvidia.com/gpu';

/** Resources in Kubernetes terms, and the quantities that are none. */
export interface CoreResources {
  readonly resources: MapNode | undefined;
  readonly unparsable: readonly { readonly list: 'requests' | 'limits'; readonly name: string; readonly node: Node }[];
}

/**
 * v1alpha1 `resources {requests, limits: {cpu, memory, gpu, gpuType, custom}, claims}` as a ResourceRequirements
 * [102 internal/controller_common/resource.go:525, 150 shared_spec_conversion.go:2489]. 0.4 knows neither gpuType nor claims.
 */
export function toCoreResources(written: MapNode | undefined, generation: OperatorGeneration): CoreResources {
  const unparsable: { list: 'requests' | 'limits'; name: string; node: Node }[] = [];
  if (!written) return { resources: undefined, unparsable };
  const fields: (readonly [string, Node])[] = [];
  for (const side of ['requests', 'limits'] as const) {
    const written_ = mapAt(written, side);
    if (!written_) continue;
    const quantities: (readonly [string, Node])[] = [];
    for (const [name, node] of coreNames(written_, side, generation)) {
      if (node.kind !== 'scalar' || node.value === '') continue;
      if (parseQuantity(String(node.value)) === undefined) unparsable.push({ list: side, name, node });
      else quantities.push([name, scalar(String(node.value), node.origin)]);
    }
    if (quantities.length > 0) fields.push([side, map(quantities, written_.origin)]);
  }
  const claims = written.fields.get('claims');
  if (claims && generation !== '0.4') fields.push(['claims', claims]);
  return { resources: fields.length > 0 ? map(fields, written.origin) : undefined, unparsable };
}

/** 0.4 and 0.6 leave GPUs out of the requests: Kubernetes takes them from the limits. */
const REQUESTS_GPUS: Readonly<Record<OperatorGeneration, boolean>> = {
  '0.4': false,
  '0.6': false,
  '1.1': true,
  '1.5': true,
};

function coreNames(
  quantities: MapNode,
  side: 'requests' | 'limits',
  generation: OperatorGeneration,
): readonly (readonly [string, Node])[] {
  const gpuType = generation === '0.4' ? undefined : stringAt(quantities, 'gpuType');
  const named = [...quantities.fields].flatMap(([key, node]): (readonly [string, Node])[] => {
    if (key === 'cpu' || key === 'memory') return [[key, node]];
    return key === 'gpu' && (side === 'limits' || REQUESTS_GPUS[generation]) ? [[gpuType || GPU, node]] : [];
  });
  return [...named, ...(mapAt(quantities, 'custom')?.fields ?? [])];
}

/** Service-level resources over those of the container, key by key; claims are added [102 graph.go:1199]. */
export function overrideResources(container: MapNode, over: MapNode | undefined, origin: Origin): MapNode {
  if (!over) return container;
  let resources = mapAt(container, 'resources') ?? map([], over.origin);
  for (const side of ['requests', 'limits'] as const) {
    const wins = mapAt(over, side);
    if (!wins) continue;
    resources = withField(
      resources,
      side,
      map([...(mapAt(resources, side)?.fields ?? []), ...wins.fields], wins.origin),
    );
  }
  const claims = over.fields.get('claims');
  if (claims?.kind === 'list') resources = withAppended(resources, 'claims', claims.items, origin);
  return withField(container, 'resources', resources);
}
