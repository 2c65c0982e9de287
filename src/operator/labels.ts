import { type MapNode, map, type Node, scalar, stringAt } from '../model/node.ts';
import type { OperatorGeneration, Origin } from '../model/origin.ts';
import { WORKER_HASH } from '../model/resolved-graph.ts';
import { overlayMaps } from './edit-node.ts';
import { operatorOrigin } from './generation.ts';
import { baseModelHash } from './names.ts';

/** What the operator's own labels of a component are made of. */
export interface LabelInput {
  readonly generation: OperatorGeneration;
  readonly graphName: string;
  readonly componentName: string;
  readonly deploymentName: string;
  readonly type: string;
  readonly subType: string | undefined;
  /** As the labels show it; the environment of 1.5 may differ (operator-measured.md 3). */
  readonly dynamoNamespace: string;
  readonly discoveryBackend: string;
  readonly hashed: boolean;
  /** A worker of a graph that has an endpoint picker. */
  readonly workerClass: boolean;
  readonly model: string | undefined;
  readonly metrics: boolean;
}

type LabelRule = readonly [key: string, value: (input: LabelInput) => string | undefined];

const P = 'nvidia.com/';
const COMPONENT: LabelRule = [`${P}dynamo-component`, (input) => input.componentName];
const NAMESPACE: LabelRule = [`${P}dynamo-namespace`, (input) => input.dynamoNamespace];
const GRAPH: LabelRule = [`${P}dynamo-graph-deployment-name`, (input) => input.graphName];
const TYPE: LabelRule = [`${P}dynamo-component-type`, (input) => input.type || undefined];
const SUB_TYPE: LabelRule = [`${P}dynamo-sub-component-type`, (input) => input.subType];
const METRICS: LabelRule = [`${P}metrics-enabled`, (input) => (input.metrics ? 'true' : undefined)];
const SELECTOR: LabelRule = [`${P}selector`, (input) => input.deploymentName];
const HASH: LabelRule = [`${P}dynamo-worker-hash`, (input) => (input.hashed ? WORKER_HASH : undefined)];
const CLASS: LabelRule = [`${P}dynamo-component-class`, (input) => (input.workerClass ? 'worker' : undefined)];
const DISCOVERY: readonly LabelRule[] = [
  [`${P}dynamo-discovery-backend`, (input) => (input.discoveryBackend === 'kubernetes' ? 'kubernetes' : undefined)],
  [`${P}dynamo-discovery-enabled`, (input) => (input.discoveryBackend === 'kubernetes' ? 'true' : undefined)],
];
const MODEL: LabelRule = [
  `${P}dynamo-base-model-hash`,
  (input) => (input.model === undefined ? undefined : baseModelHash(input.model)),
];

/** The operator's labels on pods and on Services, by generation (facts/operator.md §3.5, goldens). */
const LABELS: Readonly<
  Record<
    OperatorGeneration,
    { readonly source: string; readonly pod: readonly LabelRule[]; readonly service: readonly LabelRule[] }
  >
> = {
  '0.4': {
    source: 'graph.go:112',
    pod: [COMPONENT, TYPE, NAMESPACE, METRICS, SELECTOR],
    service: [COMPONENT, TYPE, NAMESPACE, METRICS, SELECTOR],
  },
  '0.6': {
    source: 'graph.go generateLabels',
    pod: [COMPONENT, TYPE, NAMESPACE, METRICS, SELECTOR, GRAPH, SUB_TYPE],
    service: [COMPONENT, TYPE, NAMESPACE, METRICS, SELECTOR, GRAPH, SUB_TYPE],
  },
  '1.1': {
    source: 'graph.go:1869',
    pod: [COMPONENT, TYPE, NAMESPACE, METRICS, SELECTOR, GRAPH, SUB_TYPE, HASH, MODEL, ...DISCOVERY],
    service: [COMPONENT, NAMESPACE, GRAPH, HASH, MODEL, ...DISCOVERY],
  },
  '1.5': {
    source: 'graph.go:2872',
    pod: [COMPONENT, TYPE, NAMESPACE, METRICS, SELECTOR, GRAPH, SUB_TYPE, HASH, CLASS, MODEL, ...DISCOVERY],
    service: [COMPONENT, NAMESPACE, GRAPH, SUB_TYPE, HASH, CLASS, MODEL, ...DISCOVERY],
  },
};

/** The user's labels with the operator's over them: those cannot be overridden. */
export function componentLabels(kind: 'pod' | 'service', input: LabelInput, user: MapNode | undefined): MapNode {
  const { source, [kind]: rules } = LABELS[input.generation];
  const origin = operatorOrigin(input.generation, source);
  const system = rules.flatMap(([key, value]): (readonly [string, Node])[] => {
    const text = value(input);
    return text === undefined ? [] : [[key, scalar(text, origin)]];
  });
  return overlayMaps(origin, user, map(system, origin)) ?? map([], origin);
}

/** DGD metadata annotations that components inherit where they have none of their own [102 graph.go:1486, 150 graph.go:2289]. */
const INHERITED = [
  'enable-metrics',
  'dynamo-discovery-backend',
  'dynamo-kube-discovery-mode',
  'dynamo-operator-origin-version',
  'vllm-distributed-executor-backend',
].map((name) => `${P}${name}`);

/** Those annotations of the graph that its components inherit. */
export function inheritedAnnotations(metadata: MapNode): MapNode | undefined {
  const annotations = metadata.fields.get('annotations');
  if (annotations?.kind !== 'map') return undefined;
  const fields = [...annotations.fields].filter(([key]) => INHERITED.includes(key));
  return fields.length > 0 ? map(fields, annotations.origin) : undefined;
}

/** `nvidia.com/enable-metrics: "false"` on the graph or the component takes the metrics label away. */
export function hasMetrics(...annotations: readonly (MapNode | undefined)[]): boolean {
  return !annotations.some((layer) => stringAt(layer, `${P}enable-metrics`) === 'false');
}

/** `nvidia.com/dynamo-base-model`, the annotation that goes with `modelRef`. */
export function modelAnnotation(model: string | undefined, origin: Origin): MapNode | undefined {
  return model === undefined ? undefined : map([[`${P}dynamo-base-model`, scalar(model, origin)]], origin);
}
