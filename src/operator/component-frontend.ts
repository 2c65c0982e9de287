import type { Json } from '../model/node.ts';
import type { OperatorGeneration } from '../model/origin.ts';
import {
  type ComponentContext,
  type ComponentDefaults,
  commonDefaults,
  extendDefaults,
  operatorEnv,
  operatorMap,
} from './component-common.ts';

interface FrontendFacts {
  readonly source: string;
  readonly livenessProbe: Json;
  readonly readinessProbe: Json;
  /** The frontend finds the workers of its namespace by this prefix. */
  readonly namespacePrefix: boolean;
}

const LIVENESS: Json = {
  httpGet: { path: '/live', port: 'http' },
  initialDelaySeconds: 15,
  periodSeconds: 10,
  timeoutSeconds: 1,
  failureThreshold: 3,
};
const READINESS: Json = {
  httpGet: { path: '/health', port: 'http' },
  initialDelaySeconds: 10,
  periodSeconds: 10,
  timeoutSeconds: 3,
  failureThreshold: 3,
};
const SLOW = { initialDelaySeconds: 60, periodSeconds: 60, timeoutSeconds: 30, failureThreshold: 10 };

/** facts/operator.md §2.2. */
const FRONTEND: Readonly<Record<OperatorGeneration, FrontendFacts>> = {
  '0.4': {
    source: 'component_frontend.go:25',
    livenessProbe: { httpGet: { path: '/health', port: 'http' }, ...SLOW },
    readinessProbe: {
      exec: {
        command: ['/bin/sh', '-c', 'curl -s http://localhost:${DYNAMO_PORT}/health | jq -e ".status == \\"healthy\\""'],
      },
      ...SLOW,
    },
    namespacePrefix: false,
  },
  '0.6': {
    source: 'component_frontend.go:46',
    livenessProbe: LIVENESS,
    readinessProbe: READINESS,
    namespacePrefix: false,
  },
  '1.1': {
    source: 'component_frontend.go:25',
    livenessProbe: LIVENESS,
    readinessProbe: READINESS,
    namespacePrefix: true,
  },
  '1.5': {
    source: 'component_frontend.go:25',
    livenessProbe: LIVENESS,
    readinessProbe: READINESS,
    namespacePrefix: true,
  },
};

/** `python3 -m dynamo.frontend` on port 8000, named `http`. */
export function frontendDefaults(context: ComponentContext): ComponentDefaults {
  const facts = FRONTEND[context.generation];
  const container = operatorMap(context, facts.source, {
    command: ['python3'],
    args: ['-m', 'dynamo.frontend'],
    ports: [{ protocol: 'TCP', name: 'http', containerPort: 8000 }],
    livenessProbe: facts.livenessProbe,
    readinessProbe: facts.readinessProbe,
  });
  const env = operatorEnv(context, facts.source, [
    ['DYNAMO_PORT', '8000'],
    ['DYN_HTTP_PORT', '8000'],
    ...(facts.namespacePrefix ? [['DYN_NAMESPACE_PREFIX', context.dynamoNamespace] as const] : []),
  ]);
  return extendDefaults(commonDefaults(context), { container, env });
}
