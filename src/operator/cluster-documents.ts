import { fromJson, type MapNode, map, mapAt, type Node, scalar, stringAt } from '../model/node.ts';
import type { ResolvedComponent, ResolvedGraph } from '../model/resolved-graph.ts';
import { operatorOrigin } from './generation.ts';

const P = 'nvidia.com/deployment-';
const RECREATE = 'Recreate';
const SURGE = '25%';

/** Percentages stay text, anything else becomes a number where it is one (intstr.Parse). */
function amount(text: string | undefined): string | number {
  return text === undefined ? SURGE : /^\d+$/.test(text) ? Number(text) : text;
}

/** How a Deployment rolls [150 controller/dynamocomponentdeployment_controller.go getDeploymentStrategy; facts/operator.md §8.3]. */
function strategyOf(component: ResolvedComponent, graph: ResolvedGraph): Node {
  const origin = operatorOrigin(graph.generation, 'internal/controller/dynamocomponentdeployment_controller.go');
  const annotations = mapAt(component.podTemplate, 'metadata', 'annotations');
  if (stringAt(annotations, `${P}strategy`) === RECREATE) return fromJson({ type: RECREATE }, origin);
  const maxSurge = amount(stringAt(annotations, `${P}rolling-update-max-surge`));
  const maxUnavailable = amount(stringAt(annotations, `${P}rolling-update-max-unavailable`));
  return fromJson({ type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } }, origin);
}

function deployment(component: ResolvedComponent, graph: ResolvedGraph): MapNode {
  const origin = operatorOrigin(graph.generation, 'internal/controller/dynamocomponentdeployment_controller.go');
  const { deploymentName: name, podTemplate, replicas } = component;
  const metadata: (readonly [string, Node])[] = [
    ['name', scalar(name, origin)],
    ['namespace', scalar(graph.kubernetesNamespace, origin)],
  ];
  const labels = mapAt(podTemplate, 'metadata', 'labels');
  if (labels) metadata.push(['labels', labels]);
  const spec = map(
    [
      ['replicas', scalar(replicas, origin)],
      ['selector', fromJson({ matchLabels: { 'nvidia.com/selector': name } }, origin)],
      ['strategy', strategyOf(component, graph)],
      ['template', podTemplate],
    ],
    origin,
  );
  return document('apps/v1', 'Deployment', map(metadata, origin), spec);
}

function document(apiVersion: string, kind: string, metadata: MapNode, spec: Node): MapNode {
  return map(
    [
      ['apiVersion', scalar(apiVersion, metadata.origin)],
      ['kind', scalar(kind, metadata.origin)],
      ['metadata', metadata],
      ['spec', spec],
    ],
    metadata.origin,
  );
}

/**
 * What the operator creates in a cluster without Grove, as Kubernetes documents: claims and what is shared first, then a Deployment per component in file
 * order with its Services. The worker hash is written `HASH`.
 */
export function clusterDocuments(graph: ResolvedGraph): readonly MapNode[] {
  const seen = new Set<string>();
  const documents = [
    ...graph.claims,
    ...graph.shared,
    ...graph.components.flatMap((component) => [deployment(component, graph), ...component.services]),
  ];
  // The headless Service of a model is shared by all components that serve it.
  return documents.filter((one) => {
    const key = `${stringAt(one, 'kind')} ${stringAt(one, 'metadata', 'name')}`;
    return !seen.has(key) && seen.add(key);
  });
}
