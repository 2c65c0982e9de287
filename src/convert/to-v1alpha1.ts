import type { Diagnostic } from '../model/diagnostic.ts';
import type { Graph } from '../model/graph.ts';
import { fromJson, map, mapAt, type Node } from '../model/node.ts';
import { componentToService } from './component-to-service.ts';
import { type Conversion, leftOutFields } from './conversion.ts';

/** Graph fields that both versions spell alike. */
const SAME: ReadonlySet<string> = new Set([
  'backendFramework',
  'annotations',
  'labels',
  'restart',
  'priorityClassName',
  'providerOverride',
  'experimental',
]);

/**
 * v1beta1 as v1alpha1, the other way of the operator's conversion [150 api/v1alpha1/shared_spec_conversion.go ConvertFrom]: what comes
 * back through `convertService` is the same component. A graph that is v1alpha1 stays as it is.
 */
export function toV1alpha1(graph: Graph): Conversion {
  if (graph.apiVersion === 'nvidia.com/v1alpha1') return { graph, diagnostics: [] };
  const { spec } = graph;
  const diagnostics: Diagnostic[] = [];
  const fields: (readonly [string, Node])[] = [];
  for (const [key, value] of spec.fields) {
    if (SAME.has(key)) fields.push([key, value]);
    else if (key === 'env') fields.push(['envs', value]);
    else if (key === 'topologyConstraint') fields.push([key, renameTopology(value)]);
    else if (key === 'components') {
      const services = graph.components.map((component) => ({ component, ...componentToService(component) }));
      diagnostics.push(...services.flatMap((service) => service.diagnostics));
      const claims = [...new Set(services.flatMap((service) => service.claims))];
      if (claims.length > 0)
        fields.push([
          'pvcs',
          fromJson(
            claims.map((name) => ({ name, create: false })),
            value.origin,
          ),
        ]);
      fields.push([
        'services',
        map(
          services.map(({ component, written }) => [component.name, written]),
          value.origin,
        ),
      ]);
    }
  }
  const known = new Set([...SAME, 'env', 'topologyConstraint', 'components']);
  diagnostics.push(...leftOutFields(spec, known, 'spec', 'v1alpha1 has no such field'));
  const converted = map(fields, spec.origin);
  return {
    graph: {
      ...graph,
      apiVersion: 'nvidia.com/v1alpha1',
      spec: converted,
      components: [...(mapAt(converted, 'services')?.fields ?? [])].flatMap(([name, written]) =>
        written.kind === 'map' ? [{ name, written, origin: written.origin }] : [],
      ),
    },
    diagnostics,
  };
}

function renameTopology(node: Node): Node {
  if (node.kind !== 'map') return node;
  return map(
    [...node.fields].map(([key, value]) => [key === 'clusterTopologyName' ? 'topologyProfile' : key, value]),
    node.origin,
  );
}
