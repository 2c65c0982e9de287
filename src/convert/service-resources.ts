import { type MapNode, map, type Node } from '../model/node.ts';

const NAMES: Readonly<Record<string, string>> = { cpu: 'cpu', memory: 'memory', 'nvidia.com/gpu': 'gpu' };

/** A ResourceRequirements as v1alpha1 writes it: `gpu` for `nvidia.com/gpu`, everything it has no name for under `custom`. */
export function serviceResources(resources: MapNode): MapNode {
  return map(
    [...resources.fields].map(([side, quantities]) => [
      side,
      quantities.kind === 'map' ? serviceQuantities(quantities) : quantities,
    ]),
    resources.origin,
  );
}

function serviceQuantities(quantities: MapNode): MapNode {
  const own: (readonly [string, Node])[] = [];
  const custom: (readonly [string, Node])[] = [];
  for (const [name, quantity] of quantities.fields) {
    const key = NAMES[name];
    // v1alpha1 takes strings alone.
    const text: Node = quantity.kind === 'scalar' ? { ...quantity, value: String(quantity.value) } : quantity;
    if (key === undefined) custom.push([name, text]);
    else own.push([key, text]);
  }
  return map(
    [...own, ...(custom.length === 0 ? [] : [['custom', map(custom, quantities.origin)] as const])],
    quantities.origin,
  );
}
