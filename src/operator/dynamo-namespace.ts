import { booleanAt, type MapNode, stringAt } from '../model/node.ts';
import { type GraphContext, reportFinding } from './graph-context.ts';

/**
 * 0.4 and 0.6: the `dynamoNamespace` that all components agree on, else `dynamo-<graph>` [041 graph.go:109,189]. Components that
 * disagree fail the whole graph in a cluster; here each keeps its own.
 */
export function writtenNamespaces(context: GraphContext): (component: MapNode) => string {
  const { graph } = context;
  const first = graph.components
    .map((component) => stringAt(component.written, 'dynamoNamespace') ?? '')
    .find((namespace) => namespace !== '');
  for (const component of graph.components) {
    const own = stringAt(component.written, 'dynamoNamespace') ?? '';
    if (own === (first ?? '')) continue;
    reportFinding(context, {
      code: 'NAMESPACE_MISMATCH',
      message: `namespace mismatch for component ${component.name}: graph uses namespace ${first} but component specifies ${own}`,
      origin: component.written.fields.get('dynamoNamespace')?.origin ?? component.origin,
      hint: 'operators before 1.0 reconcile nothing of such a graph',
    });
  }
  return (component) => stringAt(component, 'dynamoNamespace') || first || `dynamo-${graph.name}`;
}

/** From 1.0 on: `<Kubernetes namespace>-<graph>` with dashes for dots, or `dynamo` [102 dynamocomponentdeployment_types.go:419]. */
export function computedNamespace(
  context: Pick<GraphContext, 'graph' | 'kubernetesNamespace'>,
  component: MapNode,
): string {
  if (booleanAt(component, 'globalDynamoNamespace')) return 'dynamo';
  return `${context.kubernetesNamespace}-${context.graph.name.replaceAll('.', '-')}`;
}
