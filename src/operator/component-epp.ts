import { type Json, stringAt, withField } from '../model/node.ts';
import type { OperatorGeneration } from '../model/origin.ts';
import {
  type ComponentContext,
  type ComponentDefaults,
  commonDefaults,
  extendDefaults,
  operatorEnv,
  operatorMap,
} from './component-common.ts';

const SOURCE = 'component_epp.go:26';
const CONFIG_FILE = 'epp-config-dynamo.yaml';
const HEALTH: Json = { port: 9003, service: 'inference-extension' };

/** facts/operator.md §2.5: the log level is quieter from 1.5 on. */
const RUST_LOG: Readonly<Record<OperatorGeneration, string>> = {
  '0.4': 'info',
  '0.6': 'info',
  '1.1': 'debug,dynamo_llm::kv_router=trace',
  '1.5': 'info',
};

function probe(extra: { readonly [key: string]: Json }): Json {
  return { grpc: HEALTH, periodSeconds: 10, ...extra };
}

/** The ConfigMap behind /etc/epp: the one the file names, its key shown under the expected name, or the operator's own. */
function configVolume(context: ComponentContext): Json {
  const named = stringAt(context.eppConfig, 'configMapRef', 'name');
  const key = stringAt(context.eppConfig, 'configMapRef', 'key') ?? CONFIG_FILE;
  return {
    name: 'epp-config',
    configMap: {
      name: named ?? `${context.graphName}-epp-config`,
      items: [{ key: named === undefined ? CONFIG_FILE : key, path: CONFIG_FILE }],
    },
  };
}

/** The endpoint picker of the Gateway API Inference Extension: the only type that runs the image's own ENTRYPOINT. */
export function eppDefaults(context: ComponentContext): ComponentDefaults {
  const common = commonDefaults(context);
  const base: ComponentDefaults = { ...common, container: withField(common.container, 'command', undefined) };
  const container = operatorMap(context, SOURCE, {
    args: [
      '--pool-name',
      `${context.graphName}-pool`,
      '--pool-namespace',
      context.kubernetesNamespace,
      '--pool-group',
      'inference.networking.k8s.io',
      '-v',
      '4',
      '--zap-encoder',
      'json',
      '--grpc-port',
      '9002',
      '--grpc-health-port',
      '9003',
      '--config-file',
      `/etc/epp/${CONFIG_FILE}`,
    ],
    ports: [
      { protocol: 'TCP', name: 'grpc', containerPort: 9002 },
      { protocol: 'TCP', name: 'grpc-health', containerPort: 9003 },
      { protocol: 'TCP', name: 'metrics', containerPort: 9090 },
    ],
    livenessProbe: probe({ initialDelaySeconds: 5 }),
    readinessProbe: probe({ initialDelaySeconds: 5 }),
    startupProbe: probe({ failureThreshold: 180 }),
    volumeMounts: [
      { name: 'epp-config', mountPath: '/etc/epp', readOnly: true },
      { name: 'hf-cache', mountPath: '/home/nonroot/.cache' },
    ],
  });
  const env = operatorEnv(context, SOURCE, [
    ['USE_STREAMING', 'true'],
    ['RUST_LOG', RUST_LOG[context.generation]],
    ['DYN_ENFORCE_DISAGG', 'false'],
    ['DYN_NAMESPACE_PREFIX', context.dynamoNamespace],
  ]);
  const podSpec = operatorMap(context, SOURCE, {
    terminationGracePeriodSeconds: 130,
    serviceAccountName: 'epp-serviceaccount',
    volumes: [configVolume(context), { name: 'hf-cache', emptyDir: {} }],
  });
  return extendDefaults(base, { container, env, podSpec });
}
