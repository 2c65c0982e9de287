import type { Json } from '../model/node.ts';
import type { OperatorGeneration } from '../model/origin.ts';
import {
  type ComponentContext,
  type ComponentDefaults,
  commonDefaults,
  extendDefaults,
  operatorEnv,
  operatorMap,
  workerSuffix,
} from './component-common.ts';

type Pairs = readonly (readonly [name: string, value: string])[];

interface WorkerFacts {
  readonly source: string;
  readonly liveness: readonly [timeoutSeconds: number, failureThreshold: number];
  readonly readiness: readonly [timeoutSeconds: number, failureThreshold: number];
  /** Times 10 s: how long a model may load. */
  readonly startupFailures: number;
  readonly nixlPort: boolean;
  readonly env: Pairs;
}

const SYSTEM_ENV: Pairs = [
  ['DYN_SYSTEM_ENABLED', 'true'],
  ['DYN_SYSTEM_USE_ENDPOINT_HEALTH_STATUS', '["generate"]'],
  ['DYN_SYSTEM_PORT', '9090'],
];
const TELEMETRY_ENV: Pairs = [
  ['DYN_HEALTH_CHECK_ENABLED', 'false'],
  ['NIXL_TELEMETRY_ENABLE', 'n'],
  ['NIXL_TELEMETRY_EXPORTER', 'prometheus'],
  ['NIXL_TELEMETRY_PROMETHEUS_PORT', '19090'],
];

/** facts/operator.md §2.3, measured table of operator-measured.md. */
const WORKER: Readonly<Record<OperatorGeneration, WorkerFacts>> = {
  '0.4': {
    source: 'component_worker.go:25',
    liveness: [30, 1],
    readiness: [30, 60],
    startupFailures: 60,
    nixlPort: false,
    env: SYSTEM_ENV,
  },
  '0.6': {
    source: 'component_worker.go:25',
    liveness: [4, 1],
    readiness: [4, 3],
    startupFailures: 720,
    nixlPort: false,
    env: SYSTEM_ENV,
  },
  '1.1': {
    source: 'component_worker.go:25',
    liveness: [4, 1],
    readiness: [4, 3],
    startupFailures: 720,
    nixlPort: true,
    env: [...SYSTEM_ENV, ...TELEMETRY_ENV],
  },
  '1.5': {
    source: 'component_worker.go:26',
    liveness: [4, 1],
    readiness: [4, 3],
    startupFailures: 720,
    nixlPort: true,
    env: [...SYSTEM_ENV, ...TELEMETRY_ENV, ['DYN_FORWARDPASS_METRIC_PORT', '20380']],
  },
};

/** The three probes of the system server; planners of newer generations share them. */
export function systemProbes(
  liveness: readonly [timeoutSeconds: number, failureThreshold: number],
  readiness: readonly [timeoutSeconds: number, failureThreshold: number],
  startupFailures: number,
): { readonly [key: string]: Json } {
  return {
    livenessProbe: {
      httpGet: { path: '/live', port: 'system' },
      periodSeconds: 5,
      timeoutSeconds: liveness[0],
      failureThreshold: liveness[1],
    },
    readinessProbe: {
      httpGet: { path: '/health', port: 'system' },
      periodSeconds: 10,
      timeoutSeconds: readiness[0],
      failureThreshold: readiness[1],
    },
    startupProbe: {
      httpGet: { path: '/live', port: 'system' },
      periodSeconds: 10,
      timeoutSeconds: 5,
      failureThreshold: startupFailures,
    },
  };
}

/** Workers, prefill and decode: no program of their own, the system server on 9090. */
export function workerDefaults(context: ComponentContext): ComponentDefaults {
  const facts = WORKER[context.generation];
  const nixl: Json[] = facts.nixlPort ? [{ protocol: 'TCP', name: 'nixl', containerPort: 19090 }] : [];
  const container = operatorMap(context, facts.source, {
    ports: [{ protocol: 'TCP', name: 'system', containerPort: 9090 }, ...nixl],
    ...systemProbes(facts.liveness, facts.readiness, facts.startupFailures),
  });
  const env = operatorEnv(context, facts.source, [...facts.env, ...workerSuffix(context)]);
  return extendDefaults(commonDefaults(context), { container, env });
}
