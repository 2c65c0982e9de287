import type { Diagnostic } from '../model/diagnostic.ts';
import type { Gpu } from '../model/host-inventory.ts';
import { itemsAt, type MapNode, mapAt, type Node, stringAt, stringsAt } from '../model/node.ts';
import type { ResolvedGraph } from '../model/resolved-graph.ts';
import { podGpuCount } from './local-pod.ts';

/** Labels that NVIDIA's GPU feature discovery gives nodes: the model with dashes for blanks, and the memory in MiB. */
const PRODUCT = 'nvidia.com/gpu.product';
const MEMORY = 'nvidia.com/gpu.memory';
const MIB = 2 ** 20;

interface Requirement {
  readonly key: string;
  readonly operator: string;
  readonly values: readonly string[];
  readonly node: Node;
}

/**
 * What a pod says of the node's GPUs, in `nodeSelector` and in required node affinities: the terms of an affinity are alternatives, and
 * what stands in one of them must all be so, with all of the selector.
 */
function readAlternatives(pod: MapNode): readonly (readonly Requirement[])[] {
  const selected = [...(mapAt(pod, 'nodeSelector')?.fields ?? [])].map(([key, node]) => ({
    key,
    operator: 'In',
    values: node.kind === 'scalar' ? [String(node.value)] : [],
    node,
  }));
  const terms = itemsAt(
    mapAt(pod, 'affinity', 'nodeAffinity', 'requiredDuringSchedulingIgnoredDuringExecution'),
    'nodeSelectorTerms',
  );
  const matched = terms.map((term) =>
    itemsAt(term, 'matchExpressions').map((expression) => ({
      key: stringAt(expression, 'key') ?? '',
      operator: stringAt(expression, 'operator') ?? '',
      values: stringsAt(expression, 'values') ?? [],
      node: expression,
    })),
  );
  const ofGpus = ({ key }: Requirement) => key === PRODUCT || key === MEMORY;
  return (matched.length === 0 ? [[]] : matched).map((term) => [...selected, ...term].filter(ofGpus));
}

/** True when the GPU is what the requirement names. Products are compared without what MIG and time-slicing append. */
function isMet({ key, operator, values }: Requirement, { name, memoryTotalBytes }: Gpu): boolean {
  const product = name.replaceAll(' ', '-');
  const has =
    key === PRODUCT
      ? values.some((value) => value === product || value.replace(/-(?:MIG-.*|SHARED)$/, '') === product)
      : values.some((value) => compare(operator, memoryTotalBytes / MIB, Number(value)));
  return operator === 'NotIn' ? !has : has;
}

function compare(operator: string, have: number, wanted: number): boolean {
  if (operator === 'Gt') return have > wanted;
  if (operator === 'Lt') return have < wanted;
  return Math.abs(have - wanted) < wanted / 100;
}

/** A warning for each component that asks for other GPUs than this machine has: it may still fit, or run out of memory. */
export function checkGpuProducts(graph: ResolvedGraph, gpus: readonly Gpu[]): readonly Diagnostic[] {
  if (gpus.length === 0) return [];
  const here = [...new Set(gpus.map(({ name }) => name))].join(', ');
  return graph.components.flatMap((component): Diagnostic[] => {
    const pod = mapAt(component.podTemplate, 'spec');
    if (!pod || podGpuCount(component) === 0) return [];
    const alternatives = readAlternatives(pod);
    const wanted = [...new Set(alternatives.flat())];
    if (wanted.length === 0 || alternatives.some((all) => gpus.some((gpu) => all.every((one) => isMet(one, gpu)))))
      return [];
    const [first] = wanted;
    const words = wanted.map(({ key, operator, values }) => `${key} ${operator} ${values.join(', ')}`).join('; ');
    const at = first?.node.origin.kind === 'file' ? { at: first.node.origin.at } : {};
    return [
      {
        severity: 'warning',
        code: 'GPU_PRODUCT',
        message: `${component.name} asks for ${words}; this machine has ${here}: the model may not fit`,
        ...at,
      },
    ];
  });
}
