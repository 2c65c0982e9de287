import type { OperatorGeneration, Origin } from '../model/origin.ts';

/** Rewrites and additions of one operator generation: `source` is the operator's own file and line. */
export function operatorOrigin(generation: OperatorGeneration, source: string): Origin {
  return { kind: 'operator', generation, source };
}

/** The two versions of the merge library, by generation (go.mod of the operator; facts/operator.md §4.2). */
export type MergoDialect = 'v0.3.6' | 'v0.3.16';

/** What a generation does as a whole; what belongs to one concern stands in that concern's file. */
export interface GenerationTraits {
  readonly mergo: MergoDialect;
  /** The DynamoGraphDeployment versions its CRD serves (facts/operator.md §1.1). */
  readonly apiVersions: readonly string[];
  /** Default of the platform chart (facts/operator.md §2.1). */
  readonly discovery: 'etcd' | 'kubernetes';
  /** Addresses that the platform chart gives by default, release `dynamo-platform` in namespace `dynamo-system`. */
  readonly infra: readonly (readonly [name: string, value: string, source: string])[];
  /** Deployments of workers end in the worker hash. */
  readonly hashesWorkers: boolean;
  /** Pods are sorted and named lists with them, by `CanonicalizePodSpec`. */
  readonly canonicalizes: boolean;
  /** `nvidia.com/dynamo-operator-origin-version`, as the defaulting webhook writes it and Services show it. */
  readonly originVersion: string | undefined;
}

const SERVICE_DOMAIN = 'dynamo-system.svc.cluster.local';

export const GENERATIONS: Readonly<Record<OperatorGeneration, GenerationTraits>> = {
  '0.4': {
    mergo: 'v0.3.6',
    apiVersions: ['nvidia.com/v1alpha1'],
    discovery: 'etcd',
    infra: [
      ['NATS_SERVER', 'nats://dynamo-platform-nats.dynamo-system:4222', 'graph.go:661'],
      ['ETCD_ENDPOINTS', 'dynamo-platform-etcd.dynamo-system:2379', 'graph.go:661'],
    ],
    hashesWorkers: false,
    canonicalizes: true,
    originVersion: undefined,
  },
  '0.6': {
    mergo: 'v0.3.6',
    apiVersions: ['nvidia.com/v1alpha1'],
    discovery: 'etcd',
    infra: [
      ['NATS_SERVER', `nats://dynamo-platform-nats.${SERVICE_DOMAIN}:4222`, 'graph.go addStandardEnvVars'],
      ['ETCD_ENDPOINTS', `dynamo-platform-etcd.${SERVICE_DOMAIN}:2379`, 'graph.go addStandardEnvVars'],
    ],
    hashesWorkers: false,
    canonicalizes: true,
    originVersion: undefined,
  },
  '1.1': {
    mergo: 'v0.3.16',
    apiVersions: ['nvidia.com/v1alpha1'],
    discovery: 'kubernetes',
    infra: [['NATS_SERVER', `nats://dynamo-platform-nats.${SERVICE_DOMAIN}:4222`, 'graph.go:1092']],
    hashesWorkers: true,
    canonicalizes: false,
    originVersion: '1.1.0',
  },
  '1.5': {
    mergo: 'v0.3.16',
    apiVersions: ['nvidia.com/v1alpha1', 'nvidia.com/v1beta1'],
    discovery: 'kubernetes',
    // The chart installs neither NATS nor etcd by default (operator-config.yaml:67).
    infra: [],
    hashesWorkers: true,
    canonicalizes: false,
    originVersion: undefined,
  },
};

/** True for the types that have worker defaults (graph.go IsWorkerComponent; 0.4 knows `worker` alone). */
export function isWorkerType(type: string, generation: OperatorGeneration): boolean {
  return type === 'worker' || (generation !== '0.4' && (type === 'prefill' || type === 'decode'));
}
