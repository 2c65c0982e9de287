import type { GraphComponent } from '../model/graph.ts';
import { itemsAt, type MapNode, map, mapAt, numberAt, stringAt, stringsAt, withField } from '../model/node.ts';
import type { ResolvedComponent } from '../model/resolved-graph.ts';
import { determineFramework } from './backend-framework.ts';
import { type ComponentContext, readDiscovery } from './component-common.ts';
import { readDeploymentConfig } from './deployment-config.ts';
import { computedNamespace, writtenNamespaces } from './dynamo-namespace.ts';
import { overlayMaps } from './edit-node.ts';
import { GENERATIONS, isWorkerType, operatorOrigin } from './generation.ts';
import { type GraphContext, reportFinding } from './graph-context.ts';
import { readNodeCount, reportMissingImages } from './graph-diagnostics.ts';
import { componentLabels, hasMetrics, inheritedAnnotations, type LabelInput, modelAnnotation } from './labels.ts';
import { mergeEnvs } from './merge-envs.ts';
import { deploymentName } from './names.ts';
import { type AlphaGeneration, type AlphaService, buildPodV1alpha1 } from './pod-v1alpha1.ts';
import { discoverPullSecrets, discoversPullSecrets } from './pull-secrets.ts';
import { toCoreResources } from './resources.ts';
import { serializePod } from './serialize-pod.ts';
import { componentServices } from './services.ts';

/** Whether metadata of the user's reaches Services, and where a pod's comes from: 0.4 and 0.6 know `extraPodMetadata` alone. */
const CARRIES_METADATA: Readonly<Record<AlphaGeneration, boolean>> = { '0.4': false, '0.6': false, '1.1': true };

/** The components of a v1alpha1 graph as 0.4, 0.6 and 1.1 make them. */
export function resolveV1alpha1(context: GraphContext, generation: AlphaGeneration): readonly ResolvedComponent[] {
  const written = generation === '1.1' ? undefined : writtenNamespaces(context);
  return context.graph.components.map((component) => {
    const namespace = written?.(component.written) ?? computedNamespace(context, component.written);
    return resolveService(context, generation, component, namespace);
  });
}

function resolveService(
  graph: GraphContext,
  generation: AlphaGeneration,
  component: GraphComponent,
  dynamoNamespace: string,
): ResolvedComponent {
  const { written, name } = component;
  const type = stringAt(written, 'componentType') ?? '';
  const hashed = GENERATIONS[generation].hashesWorkers && isWorkerType(type, generation);
  const annotations = overlayMaps(
    written.origin,
    ...(CARRIES_METADATA[generation] ? [originVersion(generation), mapAt(graph.graph.spec, 'annotations')] : []),
    inheritedAnnotations(graph.graph.metadata),
    mapAt(written, 'annotations'),
  );
  const discovery = readDiscovery(generation, annotations);
  const context: ComponentContext = {
    generation,
    type,
    graphName: graph.graph.name,
    kubernetesNamespace: graph.kubernetesNamespace,
    dynamoNamespace,
    discovery,
    hashed,
    eppConfig: mapAt(written, 'eppConfig'),
  };
  const { service, workers } = readService(graph, generation, component, type);
  const podSpec = discoverPullSecrets(buildPodV1alpha1(graph, generation, context, service), {
    generation,
    companions: graph.graph.companions,
    annotations,
  });
  reportMissingImages(graph, name, podSpec, written);

  const input: LabelInput = {
    generation,
    graphName: graph.graph.name,
    componentName: name,
    deploymentName: deploymentName(graph.graph.name, name, type, generation),
    type,
    subType: stringAt(written, 'subComponentType') || undefined,
    dynamoNamespace,
    discoveryBackend: discovery.backend,
    hashed,
    workerClass: false,
    model: stringAt(written, 'modelRef', 'name'),
    metrics: hasMetrics(mapAt(graph.graph.metadata, 'annotations'), annotations),
  };
  const userLabels = CARRIES_METADATA[generation]
    ? overlayMaps(written.origin, mapAt(graph.graph.spec, 'labels'), mapAt(written, 'labels'))
    : undefined;
  const extra = mapAt(written, 'extraPodMetadata');
  const podLabels = overlayMaps(written.origin, userLabels, mapAt(extra, 'labels'));
  const podAnnotations = mapAt(extra, 'annotations');
  const metadata = map(
    [
      ...(podAnnotations ? [['annotations', podAnnotations] as const] : []),
      ['labels', componentLabels('pod', input, podLabels)],
    ],
    operatorOrigin(generation, 'graph.go generateLabels'),
  );
  const serviceAnnotations = overlayMaps(
    written.origin,
    annotations,
    modelAnnotation(input.model, component.origin),
    podAnnotations,
  );
  return {
    name,
    type,
    subType: input.subType,
    deploymentName: input.deploymentName,
    replicas: numberAt(written, 'replicas') ?? workers ?? 1,
    nodeCount: readNodeCount(graph, name, written),
    runtimeVersionOverride: stringAt(written, 'runtimeVersionOverride'),
    podTemplate: map(
      [
        ['metadata', metadata],
        ['spec', serializePod(podSpec)],
      ],
      component.origin,
    ),
    discoversPullSecrets: discoversPullSecrets(generation, annotations),
    services: componentServices({
      ...input,
      kubernetesNamespace: graph.kubernetesNamespace,
      labels: componentLabels('service', input, userLabels),
      annotations: CARRIES_METADATA[generation] ? serviceAnnotations : undefined,
    }),
    origin: component.origin,
  };
}

function originVersion(generation: AlphaGeneration): MapNode | undefined {
  const version = GENERATIONS[generation].originVersion;
  if (version === undefined) return undefined;
  const origin = operatorOrigin(generation, 'internal/webhook/defaulting/dynamographdeployment_handler.go:57');
  return map([['nvidia.com/dynamo-operator-origin-version', { kind: 'scalar', value: version, origin }]], origin);
}

/** The service with its graph's environment under its own, its resources in Kubernetes terms, and what drives it. */
function readService(
  graph: GraphContext,
  generation: AlphaGeneration,
  component: GraphComponent,
  type: string,
): { readonly service: AlphaService; readonly workers: number | undefined } {
  const { written, name } = component;
  const origin = operatorOrigin(generation, 'graph.go:207');
  const common = itemsAt(graph.graph.spec, 'envs');
  const envs = common.length > 0 ? mergeEnvs(common, itemsAt(written, 'envs')) : itemsAt(written, 'envs');
  const config = readDeploymentConfig(envs, name, type === 'frontend', origin);
  if (config.problem !== undefined) {
    reportFinding(graph, { code: 'DEPLOYMENT_CONFIG', message: config.problem, origin: component.origin });
  }
  const { resources, unparsable } = toCoreResources(mapAt(written, 'resources'), generation);
  for (const { list, name: resource, node } of unparsable) {
    reportFinding(graph, {
      code: 'QUANTITY_INVALID',
      message: `parse ${list} ${resource} quantity: quantities must match the regular expression of Kubernetes`,
      origin: node.origin,
    });
  }
  const main = mapAt(written, 'extraPodSpec', 'mainContainer');
  const words = [...(stringsAt(main, 'command') ?? []), ...(stringsAt(main, 'args') ?? [])];
  const explicit = stringAt(graph.graph.spec, 'backendFramework');
  const { framework, problem } = determineFramework(type, words, explicit, generation);
  if (problem !== undefined) {
    reportFinding(graph, { code: 'BACKEND_FRAMEWORK', message: `${name}: ${problem}`, origin: component.origin });
  }
  const both = config.resources ? withResources(resources, config.resources) : resources;
  return { service: { name, written, envs: config.env, resources: both, framework }, workers: config.workers };
}

function withResources(written: MapNode | undefined, config: MapNode): MapNode {
  let merged = written ?? map([], config.origin);
  for (const side of ['requests', 'limits']) {
    const over = overlayMaps(config.origin, mapAt(merged, side), mapAt(config, side));
    merged = withField(merged, side, over);
  }
  return merged;
}
