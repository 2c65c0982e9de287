import { fromJson, type Json, type MapNode, map, type Node, scalar } from '../model/node.ts';
import type { OperatorGeneration } from '../model/origin.ts';
import { operatorOrigin } from './generation.ts';
import { baseModelHash, serviceName } from './names.ts';

/** One component's Service, and the headless one of its model. */
export interface ServiceInput {
  readonly generation: OperatorGeneration;
  readonly type: string;
  readonly deploymentName: string;
  readonly componentName: string;
  readonly kubernetesNamespace: string;
  readonly dynamoNamespace: string;
  readonly discoveryBackend: string;
  readonly labels: MapNode;
  readonly annotations: MapNode | undefined;
  readonly model: string | undefined;
}

/** facts/operator.md §3.4: 0.4 and 0.6 select by all labels of the pod, later ones by three. */
const SERVICE: Readonly<
  Record<
    OperatorGeneration,
    { readonly source: string; readonly selector: 'labels' | 'component'; readonly models: boolean }
  >
> = {
  '0.4': {
    source: 'internal/controller/dynamocomponentdeployment_controller.go generateService',
    selector: 'labels',
    models: false,
  },
  '0.6': {
    source: 'internal/controller/dynamocomponentdeployment_controller.go generateService',
    selector: 'labels',
    models: false,
  },
  '1.1': { source: 'graph.go:652', selector: 'component', models: true },
  '1.5': { source: 'graph.go:905', selector: 'component', models: true },
};

function portOf(type: string): Json {
  if (type === 'frontend') return { name: 'http', port: 8000, targetPort: 'http', protocol: 'TCP' };
  if (type === 'epp') return { name: 'grpc', port: 9002, targetPort: 9002, protocol: 'TCP', appProtocol: 'http2' };
  // Plain components have no port of this name: their Service has no endpoint.
  return { name: 'system', port: 9090, targetPort: 'system', protocol: 'TCP' };
}

/** Frontends and endpoint pickers always have one; the others only where Kubernetes is the discovery backend. */
function hasService(input: ServiceInput): boolean {
  return input.type === 'frontend' || input.type === 'epp' || input.discoveryBackend === 'kubernetes';
}

function serviceDocument(
  input: ServiceInput,
  metadata: { readonly name: string; readonly labels: MapNode; readonly annotations: MapNode | undefined },
  spec: MapNode,
): MapNode {
  const origin = operatorOrigin(input.generation, SERVICE[input.generation].source);
  const fields: (readonly [string, Node])[] = [
    ['name', scalar(metadata.name, origin)],
    ['namespace', scalar(input.kubernetesNamespace, origin)],
    ['labels', metadata.labels],
  ];
  if (metadata.annotations) fields.push(['annotations', metadata.annotations]);
  return map(
    [
      ['apiVersion', scalar('v1', origin)],
      ['kind', scalar('Service', origin)],
      ['metadata', map(fields, origin)],
      ['spec', spec],
    ],
    origin,
  );
}

/** The Services of a component, its own first. */
export function componentServices(input: ServiceInput): readonly MapNode[] {
  const { source, selector, models } = SERVICE[input.generation];
  const origin = operatorOrigin(input.generation, source);
  const services: MapNode[] = [];
  if (hasService(input)) {
    const chosen: Node =
      selector === 'labels'
        ? input.labels
        : fromJson(
            {
              'nvidia.com/dynamo-component-type': input.type,
              'nvidia.com/dynamo-namespace': input.dynamoNamespace,
              'nvidia.com/dynamo-component': input.componentName,
            },
            origin,
          );
    const spec = map(
      [
        ['selector', chosen],
        ['ports', fromJson([portOf(input.type)], origin)],
      ],
      origin,
    );
    const name = serviceName(input.deploymentName, input.generation);
    services.push(serviceDocument(input, { name, labels: input.labels, annotations: input.annotations }, spec));
  }
  if (models && input.model !== undefined) services.push(modelService(input, input.model));
  return services;
}

/** The headless Service that all pods of a model share, whatever graph they are in [150 model_service.go:190]. */
function modelService(input: ServiceInput, model: string): MapNode {
  const origin = operatorOrigin(input.generation, 'model_service.go:190');
  const hash = baseModelHash(model);
  const text = (values: { readonly [key: string]: string }): MapNode =>
    map(
      Object.entries(values).map(([key, value]) => [key, scalar(value, origin)]),
      origin,
    );
  const labels = text({ 'nvidia.com/dynamo-base-model-hash': hash, 'nvidia.com/managed-by': 'dynamo-operator' });
  const annotations = text({ 'nvidia.com/dynamo-base-model': model });
  const spec = map(
    [
      ['clusterIP', scalar('None', origin)],
      ['selector', text({ 'nvidia.com/dynamo-base-model-hash': hash })],
      ['ports', fromJson([{ name: 'system', port: 9090, targetPort: 9090, protocol: 'TCP' }], origin)],
    ],
    origin,
  );
  return serviceDocument(input, { name: `dynamo-model-${hash}`, labels, annotations }, spec);
}
