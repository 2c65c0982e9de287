import type { GraphComponent } from '../model/graph.ts';
import {
  fromJson,
  itemsAt,
  type MapNode,
  map,
  mapAt,
  numberAt,
  stringAt,
  stringsAt,
  withField,
} from '../model/node.ts';
import type { ResolvedComponent } from '../model/resolved-graph.ts';
import { determineFramework, type Framework } from './backend-framework.ts';
import { type ComponentContext, readDiscovery } from './component-common.ts';
import { type ConvertedComponent, convertService, convertSpec } from './conversion-v1alpha1.ts';
import { readDeploymentConfig } from './deployment-config.ts';
import { computedNamespace } from './dynamo-namespace.ts';
import { overlayMaps, withItems } from './edit-node.ts';
import { isWorkerType, operatorOrigin } from './generation.ts';
import { type GraphContext, reportFinding } from './graph-context.ts';
import {
  readNodeCount,
  reportCheckpoint,
  reportElasticEngine,
  reportMissingImages,
  reportRuntimeVersion,
} from './graph-diagnostics.ts';
import { applyKvTransferPolicy, isEffectivePolicy } from './kv-transfer-policy.ts';
import { componentLabels, hasMetrics, inheritedAnnotations, type LabelInput, modelAnnotation } from './labels.ts';
import { mergeEnvs } from './merge-envs.ts';
import { deploymentName } from './names.ts';
import { buildPodV1beta1, splitPodTemplate } from './pod-v1beta1.ts';
import { discoverPullSecrets, discoversPullSecrets, misplacedOptOut } from './pull-secrets.ts';
import { overrideResources } from './resources.ts';
import { serializePod } from './serialize-pod.ts';
import { componentServices } from './services.ts';

const GENERATION = '1.5';
const TYPES: ReadonlySet<string> = new Set(['', 'frontend', 'worker', 'prefill', 'decode', 'planner', 'epp']);
const ISTIO = 'sidecar.istio.io/inject';
const NOTHING = { annotations: undefined, labels: undefined, subComponentType: undefined, dynamoNamespace: undefined };

interface BetaGraph {
  readonly spec: MapNode;
  readonly hasEpp: boolean;
}

/** The components of a graph as 1.5 makes them; v1alpha1 is converted first, as its webhook does. */
export function resolveV1beta1(context: GraphContext): readonly ResolvedComponent[] {
  const { graph } = context;
  const alpha = graph.apiVersion === 'nvidia.com/v1alpha1';
  const converted = graph.components.map((component) => ({
    component,
    ...(alpha
      ? convertService(component.name, component.written, GENERATION)
      : { written: component.written, preserved: NOTHING }),
  }));
  const beta: BetaGraph = {
    spec: alpha ? convertSpec(graph.spec) : graph.spec,
    hasEpp: converted.some(({ written }) => stringAt(written, 'type') === 'epp'),
  };
  const resolved = converted.map((item) => resolveComponent(context, beta, item));
  reportMixedFrameworks(context, beta, resolved);
  return resolved.map(({ component }) => component);
}

/** The graph's environment, metadata and policies put under the component [150 graph.go generateSingleDCD, applyDGDTemplateDefaults]. */
function applyTemplateDefaults(graph: GraphContext, beta: BetaGraph, item: ConvertedComponent) {
  const { written, preserved } = item;
  const origin = operatorOrigin(GENERATION, 'graph.go:2145');
  const type = stringAt(written, 'type') ?? '';
  const template = mapAt(written, 'podTemplate');
  let { podSpec, main } = splitPodTemplate(template);
  const common = itemsAt(beta.spec, 'env');
  if (common.length > 0) {
    main ??= map([['name', fromJson('main', origin)]], origin);
    main = withItems(main, 'env', mergeEnvs(common, itemsAt(main, 'env')), origin);
  }
  const policy = mapAt(beta.spec, 'experimental', 'kvTransferPolicy');
  if (isEffectivePolicy(policy) && isWorkerType(type, GENERATION)) {
    const container = main ?? map([['name', fromJson('main', origin)]], origin);
    ({ main, podSpec } = applyKvTransferPolicy(container, podSpec, policy, origin));
  }
  // Pod template annotations decide on discovery; those of a v1alpha1 service are metadata alone (facts/operator.md §1.3).
  const own = mapAt(template, 'metadata', 'annotations');
  const inherited = inheritedAnnotations(graph.graph.metadata);
  const decisive = overlayMaps(origin, inherited, mapAt(beta.spec, 'annotations'), own);
  const istio = operatorOrigin(GENERATION, 'graph.go:471');
  const annotations = overlayMaps(
    origin,
    inherited,
    mapAt(beta.spec, 'annotations'),
    preserved.annotations,
    type === 'epp' ? map([[ISTIO, fromJson('false', istio)]], istio) : undefined,
    own,
  );
  const labels = overlayMaps(
    origin,
    mapAt(beta.spec, 'labels'),
    preserved.labels,
    mapAt(template, 'metadata', 'labels'),
  );
  return { podSpec, main, decisive, annotations, labels };
}

function resolveComponent(
  graph: GraphContext,
  beta: BetaGraph,
  item: ConvertedComponent & { readonly component: GraphComponent },
): { readonly component: ResolvedComponent; readonly framework: Framework } {
  const { written, preserved, component } = item;
  const { name } = component;
  const type = stringAt(written, 'type') ?? '';
  const hashed = isWorkerType(type, GENERATION);
  const template = applyTemplateDefaults(graph, beta, item);
  const config = applyDeploymentConfig(graph, component, type, template.main);
  const discovery = readDiscovery(GENERATION, template.decisive);
  const dynamoNamespace = computedNamespace(graph, written);
  const context: ComponentContext = {
    generation: GENERATION,
    type,
    graphName: graph.graph.name,
    kubernetesNamespace: graph.kubernetesNamespace,
    dynamoNamespace,
    discovery,
    hashed,
    eppConfig: mapAt(written, 'eppConfig'),
  };
  const framework = readFramework(graph, beta, component, type, config.main);
  reportComponent(graph, item, type, template.main);
  if (framework === 'vllm') reportElasticEngine(graph, name, config.main);
  const built = buildPodV1beta1(graph, context, {
    name,
    written,
    podSpec: template.podSpec,
    main: config.main,
    framework,
  });
  const podSpec = discoverPullSecrets(built, {
    generation: GENERATION,
    companions: graph.graph.companions,
    annotations: template.decisive,
  });
  reportMissingImages(graph, name, podSpec, written);

  const input: LabelInput = {
    generation: GENERATION,
    graphName: graph.graph.name,
    componentName: name,
    deploymentName: deploymentName(graph.graph.name, name, type, GENERATION),
    type,
    subType: type === 'prefill' || type === 'decode' ? type : preserved.subComponentType || undefined,
    dynamoNamespace: preserved.dynamoNamespace || dynamoNamespace,
    discoveryBackend: discovery.backend,
    hashed,
    workerClass: beta.hasEpp && hashed,
    model: stringAt(written, 'modelRef', 'name'),
    metrics: hasMetrics(mapAt(graph.graph.metadata, 'annotations'), template.annotations),
  };
  const annotations = overlayMaps(
    component.origin,
    template.annotations,
    modelAnnotation(input.model, component.origin),
  );
  const metadata = map(
    [
      ...(annotations ? [['annotations', annotations] as const] : []),
      ['labels', componentLabels('pod', input, template.labels)],
    ],
    operatorOrigin(GENERATION, 'graph.go:2872'),
  );
  const resolved: ResolvedComponent = {
    name,
    type,
    subType: input.subType === type ? undefined : input.subType,
    deploymentName: input.deploymentName,
    replicas: numberAt(written, 'replicas') ?? config.workers ?? 1,
    nodeCount: readNodeCount(graph, name, written),
    runtimeVersionOverride: stringAt(written, 'runtimeVersionOverride'),
    podTemplate: map(
      [
        ['metadata', metadata],
        ['spec', serializePod(podSpec)],
      ],
      component.origin,
    ),
    discoversPullSecrets: discoversPullSecrets(GENERATION, template.decisive),
    services: componentServices({
      ...input,
      kubernetesNamespace: graph.kubernetesNamespace,
      labels: componentLabels('service', { ...input, dynamoNamespace }, template.labels),
      annotations,
    }),
    origin: component.origin,
  };
  return { component: resolved, framework };
}

function applyDeploymentConfig(
  graph: GraphContext,
  component: GraphComponent,
  type: string,
  main: MapNode | undefined,
): { readonly main: MapNode | undefined; readonly workers: number | undefined } {
  if (!main) return { main, workers: undefined };
  const origin = operatorOrigin(GENERATION, 'graph.go:592');
  const config = readDeploymentConfig(itemsAt(main, 'env'), component.name, type === 'frontend', origin);
  if (config.problem !== undefined) {
    reportFinding(graph, { code: 'DEPLOYMENT_CONFIG', message: config.problem, origin: component.origin });
  }
  const configured = withItems(main, 'env', config.env, origin);
  return { main: overrideResources(configured, config.resources, origin), workers: config.workers };
}

function readFramework(
  graph: GraphContext,
  beta: BetaGraph,
  component: GraphComponent,
  type: string,
  main: MapNode | undefined,
): Framework {
  const words = [...(stringsAt(main, 'command') ?? []), ...(stringsAt(main, 'args') ?? [])];
  const explicit = stringAt(beta.spec, 'backendFramework');
  const { framework, problem } = determineFramework(type, words, explicit, GENERATION);
  if (problem !== undefined) {
    const message = `failed to determine backend framework for component ${component.name}: ${problem}`;
    reportFinding(graph, { code: 'BACKEND_FRAMEWORK', message, origin: component.origin });
  }
  return framework;
}

function reportComponent(
  graph: GraphContext,
  item: ConvertedComponent & { readonly component: GraphComponent },
  type: string,
  main: MapNode | undefined,
): void {
  const { written, component } = item;
  reportRuntimeVersion(graph, withField(written, 'name', fromJson(component.name, written.origin)), main);
  reportCheckpoint(graph, component.name, mapAt(written, 'experimental', 'checkpoint'));
  const optOut = graph.graph.apiVersion === 'nvidia.com/v1alpha1' ? misplacedOptOut(component.written) : undefined;
  if (optOut) {
    reportFinding(graph, {
      code: 'PULL_SECRET_OPT_OUT',
      message: `${component.name}: operator 1.5 does not read annotations of a v1alpha1 service, so pull secrets are discovered all the same`,
      origin: optOut,
      hint: 'write the annotation in extraPodMetadata.annotations',
    });
  }
  if (TYPES.has(type)) return;
  reportFinding(graph, {
    code: 'COMPONENT_TYPE_INVALID',
    message: `${component.name}: the type "${type}" is none that operator 1.5 makes a component of`,
    origin: component.written.fields.get('componentType')?.origin ?? component.origin,
  });
}

/** Without `backendFramework`, all workers of a graph share one [150 graph.go:374-400]. */
function reportMixedFrameworks(
  graph: GraphContext,
  beta: BetaGraph,
  resolved: readonly { readonly component: ResolvedComponent; readonly framework: Framework }[],
): void {
  if (stringAt(beta.spec, 'backendFramework') !== undefined) return;
  const known = resolved.filter(({ framework }) => framework !== 'noop');
  const [first] = known;
  const other = known.find(({ framework }) => framework !== first?.framework);
  if (!first || !other) return;
  reportFinding(graph, {
    code: 'BACKEND_FRAMEWORK',
    message: `multiple backend frameworks detected for generated DynamoComponentDeployments: ${first.framework} and ${other.framework}`,
    origin: other.component.origin,
  });
}
