import { describe, expect, test } from 'vitest';
import type { OperatorGeneration } from '../../../src/model/origin.ts';
import { checkAdmission } from '../../../src/operator/check-admission.ts';
import { readGraph } from './read-corpus.ts';

const GROVE = 'requires the Grove pathway, but workload provider "component" is selected';
const GPU = 'podTemplate.spec.containers[main].resources.limits.nvidia.com/gpu';
const DISCOVERY = 'nvidia.com/dynamo-kube-discovery-mode';
const POWER = 'dynamo.nvidia.com/gpu-power-limit';

interface Parts {
  readonly metadata?: string;
  readonly spec?: string;
  /** Fields of the component, in flow style. */
  readonly component?: string;
  /** Fields of its main container. */
  readonly main?: string;
  /** Behind the main container. */
  readonly pod?: string;
}

/** A v1beta1 graph of one decode worker that 1.5 admits, with more fields. */
function beta({
  metadata = '',
  spec = '',
  component = 'type: decode',
  main = 'image: "x:1.0.0"',
  pod = '',
}: Parts): string {
  return `apiVersion: nvidia.com/v1beta1
kind: DynamoGraphDeployment
metadata: { name: g, ${metadata} }
spec: { ${spec === '' ? '' : `${spec}, `}components: [{ name: a, ${component}, podTemplate: { spec: { containers: [{ name: main, ${main} }${pod}] } } }] }
`;
}

/** A v1alpha1 graph of one worker that 1.1 and 1.5 admit, with more fields. */
function alpha({ metadata = '', spec = '', component = 'componentType: worker' }: Parts, image = 'x:1.0.0'): string {
  return `apiVersion: nvidia.com/v1alpha1
kind: DynamoGraphDeployment
metadata: { name: g, ${metadata} }
spec: { ${spec === '' ? '' : `${spec}, `}services: { a: { ${component}, extraPodSpec: { mainContainer: { image: "${image}" } } } } }
`;
}

function messages(text: string, generation: OperatorGeneration): readonly string[] {
  return checkAdmission(readGraph(text), generation).map(({ severity, message }) =>
    severity === 'error' ? message : `${severity}: ${message}`,
  );
}

const GPUS = 'image: "x:1.0.0", resources: { limits: { nvidia.com/gpu: "1" } }';
const SIDE = ', { name: side, image: y }';
const A = 'spec.components[0]';

test('what keeps every rule is admitted', () => {
  expect(messages(beta({}), '1.5')).toEqual([]);
  expect(messages(alpha({}), '1.5')).toEqual([]);
  expect(messages(alpha({}, 'x:latest'), '1.1')).toEqual([]);
});

test.each(['0.4', '0.6'] as const)('%s has no webhook', (generation) => {
  expect(messages(alpha({ component: 'replicas: -1' }), generation)).toEqual([]);
});

/** facts/operator.md §10.2: parts of the graph, and the webhook's words. */
const RULES_1_5: readonly (readonly [parts: Parts, message: string])[] = [
  [
    { metadata: 'annotations: { nvidia.com/dynamo-operator-origin-version: x }' },
    'metadata.annotations[nvidia.com/dynamo-operator-origin-version]: Invalid value: "x": must be valid semver',
  ],
  [
    { metadata: 'annotations: { nvidia.com/vllm-distributed-executor-backend: x }' },
    'metadata.annotations[nvidia.com/vllm-distributed-executor-backend]: Invalid value: "x": must be "mp" or "ray"',
  ],
  [
    { metadata: 'annotations: { nvidia.com/grove-update-strategy: x }' },
    'metadata.annotations[nvidia.com/grove-update-strategy]: Unsupported value: "x": supported values: "RollingRecreate", "OnDelete"',
  ],
  [
    { metadata: `annotations: { ${DISCOVERY}: x }` },
    `metadata.annotations[${DISCOVERY}]: Unsupported value: "x": supported values: "pod", "container"`,
  ],
  [
    { component: 'type: decode, experimental: { gpuMemoryService: {}, failover: {} }', main: GPUS },
    `metadata.annotations[${DISCOVERY}]: Invalid value: "": must be "container" when intra-pod failover is configured`,
  ],
  [
    { metadata: 'annotations: { nvidia.com/workload-provider: x }' },
    'metadata.annotations[nvidia.com/workload-provider]: Unsupported value: "x": supported values: "component", "grove"',
  ],
  [{ spec: 'priorityClassName: x' }, `spec.priorityClassName: Forbidden: ${GROVE}`],
  [
    {
      spec: 'backendFramework: vllm',
      component: 'type: decode, experimental: { gpuMemoryService: { mode: InterPod } }',
      main: GPUS,
    },
    `${A}.experimental.gpuMemoryService.mode: Forbidden: ${GROVE}`,
  ],
  [
    { component: 'type: decode, minAvailable: 1' },
    `${A}.minAvailable: Forbidden: is currently supported only for Grove-backed DynamoGraphDeployment components`,
  ],
  [
    { component: 'type: decode, sharedMemorySize: -1Gi' },
    `${A}.sharedMemorySize: Invalid value: "-1Gi": must be non-negative`,
  ],
  [
    {
      spec: 'backendFramework: vllm',
      main: 'image: "x:1.0.0", args: ["--enable-elastic-ep --data-parallel-backend ray"]',
    },
    `${A}.podTemplate.spec.containers[0].command: Required value: elastic expert parallelism (--enable-elastic-ep with --data-parallel-backend ray) requires an explicit container command; the operator starts the Ray head by wrapping that command and cannot start it from the image ENTRYPOINT`,
  ],
  [{ component: 'type: decode, frontendSidecar: ""' }, `${A}.frontendSidecar: Invalid value: "": must not be empty`],
  [
    { component: 'type: decode, frontendSidecar: side' },
    `${A}.frontendSidecar: Invalid value: "side": must match a podTemplate.spec.containers name`,
  ],
  [
    { component: 'type: frontend, experimental: { gpuMemoryService: {} }', main: GPUS },
    `${A}.experimental.gpuMemoryService: Forbidden: GPU memory service is only supported for worker, prefill, or decode components`,
  ],
  [
    { component: 'type: decode, experimental: { gpuMemoryService: {} }' },
    `${A}.experimental.gpuMemoryService: Forbidden: GPU memory service requires ${GPU} >= 1`,
  ],
  [
    {
      component: 'type: decode, experimental: { gpuMemoryService: { extraClientContainers: [side, side] } }',
      main: GPUS,
      pod: SIDE,
    },
    `${A}.experimental.gpuMemoryService.extraClientContainers[1]: Duplicate value: "side"`,
  ],
  [
    { component: 'type: decode, experimental: { gpuMemoryService: { extraClientContainers: [side] } }', main: GPUS },
    `${A}.experimental.gpuMemoryService.extraClientContainers[0]: Invalid value: "side": does not name a container in podTemplate.spec.containers`,
  ],
  [
    {
      metadata: `annotations: { ${DISCOVERY}: container }`,
      component: 'type: decode, experimental: { failover: {} }',
      main: GPUS,
    },
    `${A}.experimental.failover: Forbidden: gpuMemoryService is required when failover mode is "IntraPod"`,
  ],
  [
    { component: 'type: decode, experimental: { gpuMemoryService: {}, failover: { mode: InterPod } }', main: GPUS },
    `${A}.experimental.failover.mode: Invalid value: "InterPod": must match gpuMemoryService.mode "IntraPod"`,
  ],
  [
    { component: 'type: decode, experimental: { grove: { forceScalingGroup: true } }' },
    `${A}.experimental.grove.forceScalingGroup: Forbidden: ${GROVE}`,
  ],
  [
    { component: 'type: decode, experimental: { checkpoint: { enabled: true } }' },
    `${A}.experimental.checkpoint: Forbidden: checkpoint functionality is disabled in the operator configuration`,
  ],
  [
    { component: 'type: decode, experimental: { checkpoint: { job: { gmsClientContainers: [a] } } }' },
    `${A}.experimental.checkpoint.job.gmsClientContainers: Forbidden: requires gpuMemoryService to be set`,
  ],
  [{ main: 'command: [x]' }, `${A}.podTemplate.spec.containers[0].image: Required value: is required`],
  [
    { main: 'image: "x:1.0"' },
    `${A}.runtimeVersionOverride: Required value: is required when the specified main container image has no parseable semantic-version tag`,
  ],
  [
    { spec: 'restart: { id: r, strategy: { type: Parallel, order: [a] } }' },
    'spec.restart.strategy.order: Forbidden: cannot be specified when strategy is parallel',
  ],
  [
    { spec: 'restart: { id: r, strategy: { order: [b] } }' },
    'spec.restart.strategy.order[0]: Unsupported value: "b": supported values: "a"',
  ],
  [
    { spec: 'restart: { id: r, strategy: { order: [a, a] } }' },
    'spec.restart.strategy.order: Invalid value: ["a","a"]: must be unique',
  ],
  [
    { component: 'type: decode, topologyConstraint: { packDomain: rack }' },
    'spec.topologyConstraint: Required value: is required when any component topology constraint is set',
  ],
  [
    { spec: 'topologyConstraint: { clusterTopologyName: t }' },
    'spec.topologyConstraint.packDomain: Required value: is required when no component topologyConstraint is set',
  ],
  [
    { spec: 'experimental: { kvTransferPolicy: { clusterTopologyName: t } }' },
    `spec.experimental.kvTransferPolicy.clusterTopologyName: Forbidden: ${GROVE}`,
  ],
  [{ spec: 'providerOverride: { apiVersion: grove.io/v1alpha1 }' }, `spec.providerOverride: Forbidden: ${GROVE}`],
];

describe('1.5 refuses, in the webhook’s words', () => {
  test.each(RULES_1_5)('%o', (parts, message) => {
    expect(messages(beta(parts), '1.5')).toEqual([message]);
  });

  test('a graph without components, and an endpoint picker that is none', () => {
    const empty =
      'apiVersion: nvidia.com/v1beta1\nkind: DynamoGraphDeployment\nmetadata: { name: g }\nspec: { components: [] }\n';
    expect(messages(empty, '1.5')).toEqual(['spec.components: Required value: must have at least one component']);
    const epp = beta({ component: 'type: epp, replicas: 2, multinode: { nodeCount: 2 }' });
    expect(messages(epp, '1.5').slice(1)).toEqual([
      `${A}.multinode: Forbidden: EPP component cannot be multinode`,
      `${A}.replicas: Invalid value: 2: EPP component must have exactly 1 replica`,
      `${A}.eppConfig: Required value: is required for EPP components`,
    ]);
    expect(messages(epp, '1.5')[0]).toMatch(
      /^warning: .*type: Forbidden: cannot deploy EPP component: InferencePool API group/,
    );
    const nameless = beta({ component: 'type: epp, eppConfig: { configMapRef: { name: "" } }' });
    expect(messages(nameless, '1.5').slice(1)).toEqual([
      `${A}.eppConfig.configMapRef.name: Required value: is required`,
    ]);
  });

  test.each([
    ['x', 'Invalid value: "x": must be a decimal integer'],
    ['"0"', 'Invalid value: "0": must be greater than zero'],
  ])('a power limit of %s', (value, words) => {
    const text = beta({}).replace(
      'podTemplate: { ',
      `podTemplate: { metadata: { annotations: { ${POWER}: ${value} } }, `,
    );
    expect(messages(text, '1.5')).toEqual([`${A}.podTemplate.metadata.annotations[${POWER}]: ${words}`]);
  });

  test.each<readonly [Parts, string]>([
    [{ spec: 'pvcs: [{ create: false }]' }, 'spec.pvcs[0].name: Required value: is required'],
    [
      { component: 'volumeMounts: [{ name: c }]' },
      'spec.services[a].volumeMounts[0].mountPoint: Required value: is required when useAsCompilationCache is false',
    ],
    [
      { component: 'ingress: { enabled: true }' },
      'spec.services[a].ingress.host: Required value: is required when ingress is enabled',
    ],
    [
      { component: 'annotations: { nvidia.com/vllm-distributed-executor-backend: x }' },
      'spec.services[a].annotations[nvidia.com/vllm-distributed-executor-backend]: Invalid value: "x": must be "mp" or "ray"',
    ],
    [
      { component: 'failover: { enabled: false }, dynamoNamespace: n' },
      'warning: spec.services[a].dynamoNamespace is deprecated and ignored. Value "n" will be replaced with "default-g". Remove this field from your configuration',
    ],
  ])('of a v1alpha1 graph: %o', (parts, message) => {
    expect(messages(alpha(parts), '1.5')).toEqual([message]);
  });

  test('an image and a version of v1alpha1 are looked for where they are written', () => {
    expect(messages(alpha({}, 'x:latest'), '1.5')).toEqual([
      'spec.services[a].runtimeVersionOverride: Required value: is required when the specified main container image has no parseable semantic-version tag',
    ]);
    expect(messages(alpha({}, ''), '1.5')).toEqual([
      'spec.services[a].extraPodSpec.mainContainer.image: Required value: is required',
    ]);
  });
});

const S = 'spec.services[a]';
/** facts/operator.md §10.4. */
const RULES_1_1: readonly (readonly [parts: Parts, message: string])[] = [
  [{ component: 'replicas: -1' }, `${S}.replicas must be non-negative`],
  [{ component: 'ingress: { enabled: true }' }, `${S}.ingress.host is required when ingress is enabled`],
  [
    { component: 'volumeMounts: [{ name: c }]' },
    `${S}.volumeMounts[0].mountPoint is required when useAsCompilationCache is false`,
  ],
  [{ component: 'sharedMemory: { disabled: false }' }, `${S}.sharedMemory.size is required when disabled is false`],
  [
    { component: 'annotations: { nvidia.com/vllm-distributed-executor-backend: x }' },
    `${S}.annotations[nvidia.com/vllm-distributed-executor-backend] has invalid value "x": must be "mp" or "ray"`,
  ],
  [
    { component: 'componentType: frontend, resources: { limits: { gpu: "1" } }, gpuMemoryService: { enabled: true }' },
    `${S}.gpuMemoryService: GPU memory service is only supported for worker components (componentType must be worker, prefill, or decode)`,
  ],
  [
    { component: 'componentType: worker, gpuMemoryService: { enabled: true }' },
    `${S}.gpuMemoryService: GPU memory service requires resources.limits.gpu >= 1`,
  ],
  [
    {
      metadata: `annotations: { ${DISCOVERY}: container }`,
      component: 'componentType: worker, failover: { enabled: true }',
    },
    `${S}.failover: failover requires gpuMemoryService.enabled to be true`,
  ],
  [{ spec: 'pvcs: [{ create: false }]' }, 'spec.pvcs[0].name is required'],
  [
    { spec: 'pvcs: [{ name: c, create: true, size: 1Gi, volumeAccessMode: ReadWriteOnce }]' },
    'spec.pvcs[0].storageClass is required when create is true',
  ],
  [{ spec: 'restart: { strategy: {} }' }, 'spec.restart.id is required'],
  [
    { spec: 'restart: { id: r, strategy: { type: Parallel, order: [a] } }' },
    'spec.restart.strategy.order cannot be specified when strategy is parallel',
  ],
  [{ spec: 'restart: { id: r, strategy: { order: [b] } }' }, 'spec.restart.strategy.order contains unknown service: b'],
  [
    { spec: 'topologyConstraint: { packDomain: rack }' },
    'spec.topologyConstraint.topologyProfile is required when any topology constraint is set',
  ],
  [
    { component: 'topologyConstraint: { packDomain: rack }' },
    'spec.topologyConstraint with topologyProfile is required when any topology constraint is set (at spec or service level)',
  ],
];

describe('1.1 refuses, in the webhook’s words', () => {
  test.each(RULES_1_1)('%o', (parts, message) => {
    expect(messages(alpha(parts), '1.1')).toEqual([message]);
  });

  test('failover without discovery per container', () => {
    const component =
      'componentType: worker, resources: { limits: { gpu: "1" } }, gpuMemoryService: { enabled: true }, failover: { enabled: true }';
    expect(messages(alpha({ component }), '1.1')).toEqual([
      `failover requires per-container K8s discovery; set annotation "${DISCOVERY}" to "container" on the DynamoGraphDeployment`,
    ]);
  });

  test.each([
    ['', `${S}.eppConfig is required for EPP components`],
    [
      ', eppConfig: {}',
      `${S}.eppConfig: either configMapRef or config must be specified (no default configuration provided)`,
    ],
    [
      ', eppConfig: { configMapRef: { name: c }, config: {} }',
      `${S}.eppConfig: configMapRef and config are mutually exclusive, only one can be specified`,
    ],
    [', eppConfig: { configMapRef: { name: "" } }', `${S}.eppConfig.configMapRef.name is required`],
    [', eppConfig: { config: {} }, replicas: 2', `${S}: EPP component must have exactly 1 replica (found 2 replicas)`],
    [
      ', eppConfig: { config: {} }, multinode: {}',
      `${S}: EPP component cannot be multinode (multinode field must be nil or nodeCount must be 1)`,
    ],
  ])('an endpoint picker%s', (fields, message) => {
    const [pool, ...others] = messages(alpha({ component: `componentType: epp${fields}` }), '1.1');
    expect(pool).toContain('warning: spec.services[a]: cannot deploy EPP component');
    expect(others).toEqual([message]);
  });

  test('a graph without services, a name that Grove finds too long, a sidecar’s name that is taken', () => {
    const empty =
      'apiVersion: nvidia.com/v1alpha1\nkind: DynamoGraphDeployment\nmetadata: { name: g }\nspec: { services: {} }\n';
    expect(messages(empty, '1.1')).toEqual(['spec.services must have at least one service']);
    const long = alpha({}).replace('name: g', `name: ${'g'.repeat(45)}`);
    expect(messages(long, '1.1')[0]).toMatch(/^warning: .*combined resource name length 46 exceeds 45-character limit/);
    const taken = alpha({ component: 'frontendSidecar: { image: y }' }).replace(
      'mainContainer:',
      'containers: [{ name: sidecar-frontend }], mainContainer:',
    );
    expect(messages(taken, '1.1')).toEqual([
      `${S}: cannot inject frontend sidecar: a container named "sidecar-frontend" already exists in extraPodSpec.containers`,
    ]);
  });
});

const INTER_GMS = 'gpuMemoryService: { enabled: true, mode: interPod }';
const PER_CONTAINER = `annotations: { ${DISCOVERY}: container }`;
const SHADOWS = {
  metadata: PER_CONTAINER,
  component:
    'componentType: worker, resources: { limits: { gpu: "1" } }, gpuMemoryService: { enabled: true }, failover: { enabled: true, numShadows: 2 }',
};
const NO_SHADOWS =
  'is invalid for mode="intraPod": intraPod uses a fixed 1 primary + 1 shadow sidecar; use failover.mode="interPod" to configure numShadows';
const INTER_BETA = {
  spec: 'backendFramework: vllm',
  component: 'type: frontend, experimental: { gpuMemoryService: { mode: InterPod }, failover: { mode: InterPod } }',
};

/** facts/operator.md §10.2 and §10.4, the rest. */
test.each<readonly [OperatorGeneration, string, string]>([
  [
    '1.5',
    beta({ spec: 'restart: { id: x, strategy: { order: [a, a] } }' }),
    'spec.restart.strategy.order: Invalid value: ["a","a"]: must be unique',
  ],
  [
    '1.1',
    alpha({ spec: 'restart: { id: x, strategy: { order: [a, b] } }' }),
    'spec.restart.strategy.order must have the same number of unique services as the deployment',
  ],
  [
    '1.1',
    alpha({ spec: 'restart: { id: x, strategy: { order: [a, b] } }' }),
    'spec.restart.strategy.order contains unknown service: b',
  ],
  [
    '1.5',
    beta({ component: 'type: decode, frontendSidecar: side' }).replace(/containers: \[.*\] \} \} \}/, '} } }'),
    `${A}.podTemplate.spec.containers: Required value: is required`,
  ],
  [
    '1.5',
    beta({
      component:
        'type: decode, experimental: { gpuMemoryService: { mode: InterPod }, checkpoint: { mode: Auto, job: { gmsClientContainers: [main] } } }',
      main: GPUS,
    }),
    `${A}.experimental.checkpoint.job.gmsClientContainers: Forbidden: is only supported with gpuMemoryService.mode=IntraPod`,
  ],
  [
    '1.5',
    beta({ component: 'type: decode, experimental: { gpuMemoryService: { mode: InterPod } }', main: GPUS }),
    `${A}.experimental.gpuMemoryService.mode: Invalid value: "InterPod": the inter-pod GMS layout is currently supported only for vLLM (detected backend: <unset>)`,
  ],
  [
    '1.1',
    alpha({ component: `componentType: worker, ${INTER_GMS}` }),
    'spec.services[a]: gpuMemoryService.mode="interPod" is currently supported only for vLLM (detected backend: <unset>)',
  ],
  [
    '1.1',
    alpha({ component: `componentType: worker, ${INTER_GMS}` }),
    'spec.services[a]: gpuMemoryService.mode="interPod" requires the Grove pathway, but Grove is disabled at the operator level (global.grove.enabled=false)',
  ],
  ['1.1', alpha(SHADOWS), `spec.services[a].failover.numShadows=2 ${NO_SHADOWS}`],
  ['1.5', alpha(SHADOWS), `spec.services[a].failover.numShadows: Invalid value: 2: ${NO_SHADOWS}`],
  ...(['1.1', '1.5'] as const).map(
    (generation) =>
      [
        generation,
        alpha({ component: 'componentType: worker, autoscaling: { enabled: true, minReplicas: 1, maxReplicas: 2 }' }),
        'warning: spec.services[a].autoscaling is deprecated and ignored. Use DynamoGraphDeploymentScalingAdapter with HPA, KEDA, or Planner for autoscaling instead. See docs/kubernetes/autoscaling.md',
      ] as const,
  ),
  [
    '1.5',
    beta({ component: 'type: decode, experimental: { gpuMemoryService: {} }', main: GPUS }).replace(
      'podTemplate: {',
      `podTemplate: { metadata: { annotations: { ${POWER}: "300" } },`,
    ),
    `${A}.experimental.gpuMemoryService: Forbidden: cannot be combined with annotation "${POWER}": power-aware planning does not support DRA-backed device allocation`,
  ],
  [
    '1.1',
    alpha({ metadata: `annotations: { ${DISCOVERY}: x }` }),
    `annotation ${DISCOVERY} has invalid value "x": must be "pod" or "container"`,
  ],
  ['1.5', beta(INTER_BETA), `${A}.experimental.failover: Forbidden: GMS failover requires at least 1 GPU in ${GPU}`],
  [
    '1.5',
    beta(INTER_BETA),
    `${A}.experimental.failover: Forbidden: GMS failover is not supported for component type "frontend"`,
  ],
  [
    '1.5',
    alpha({ component: 'componentType: epp, eppConfig: { configMapRef: { name: x }, config: { plugins: [] } }' }),
    'spec.services[a].eppConfig: Forbidden: exactly one of configMapRef or config is required',
  ],
])('%s refuses %s with %s', (generation, text, message) => {
  expect(messages(text, generation)).toContain(message);
});

test('a mode that one of two features of v1alpha1 leaves out is the one that the conversion writes', () => {
  const both = (mode: string) =>
    `componentType: worker, resources: { limits: { gpu: "1" } }, gpuMemoryService: { enabled: true }, failover: { enabled: true${mode} }`;
  for (const mode of ['', ', mode: intraPod'])
    expect(messages(alpha({ metadata: PER_CONTAINER, component: both(mode) }), '1.5')).toEqual([]);
});
