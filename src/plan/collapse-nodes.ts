import type { Diagnostic } from '../model/diagnostic.ts';
import { itemsAt, list, type MapNode, map, mapAt, type Node, scalar, withField } from '../model/node.ts';
import type { Origin } from '../model/origin.ts';
import { parseQuantity } from '../model/quantity.ts';
import type { ResolvedComponent, ResolvedGraph } from '../model/resolved-graph.ts';

const ORIGIN: Origin = {
  kind: 'local',
  deviation: 'one-node',
  reason: 'one machine: the nodes of a replica are one container with the GPUs of all of them',
};

function multiply(quantities: MapNode, nodes: number): MapNode {
  const fields = [...quantities.fields].map(([key, value]): readonly [string, Node] => {
    const number = value.kind === 'scalar' ? parseQuantity(String(value.value)) : undefined;
    return [key, number === undefined ? value : scalar(String(number * nodes), ORIGIN)];
  });
  return map(fields, quantities.origin);
}

function collapse(component: ResolvedComponent): ResolvedComponent {
  const spec = mapAt(component.podTemplate, 'spec');
  if (component.nodeCount <= 1 || !spec) return component;
  const containers = itemsAt(spec, 'containers').map((container) => {
    let resources = mapAt(container, 'resources');
    if (container.kind !== 'map' || !resources) return container;
    for (const side of ['limits', 'requests']) {
      const quantities = mapAt(resources, side);
      if (quantities) resources = withField(resources, side, multiply(quantities, component.nodeCount));
    }
    return withField(container, 'resources', resources);
  });
  const changed = withField(spec, 'containers', list(containers, spec.origin));
  const podTemplate = withField(component.podTemplate, 'spec', changed);
  if (!component.gpuClaims) return { ...component, podTemplate };
  const claims = [...component.gpuClaims].map(([claim, count]) => [claim, count * component.nodeCount] as const);
  return { ...component, podTemplate, gpuClaims: new Map(claims) };
}

/**
 * The graph with every multinode component on one node: its pod as the operator makes it without the flags that join nodes, with the
 * resources of all of them. Engines then split the model over their own GPUs, by the parallelism that the file has.
 */
export function collapseNodes(graph: ResolvedGraph): ResolvedGraph {
  return { ...graph, components: graph.components.map(collapse) };
}

/** A notice for each component that was collapsed. */
export function noticeCollapsed(graph: ResolvedGraph): readonly Diagnostic[] {
  return graph.components.flatMap(({ name, nodeCount, origin }): Diagnostic[] =>
    nodeCount <= 1
      ? []
      : [
          {
            severity: 'notice',
            code: 'MULTINODE',
            message: `${name}: its ${nodeCount} nodes are one container here, with the GPUs of all of them and without the flags that join nodes`,
            ...(origin.kind === 'file' ? { at: origin.at } : {}),
          },
        ],
  );
}
