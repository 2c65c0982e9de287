import type { Diagnostic } from './diagnostic.ts';
import type { Companions } from './graph.ts';
import type { MapNode } from './node.ts';
import type { OperatorGeneration, Origin } from './origin.ts';

/** What the cluster would run: the layers merged and completed by one operator generation. Nothing in it is local. */
export interface ResolvedGraph {
  readonly name: string;
  readonly generation: OperatorGeneration;
  /** The Kubernetes namespace, `default` when the file names none. */
  readonly kubernetesNamespace: string;
  /** In file order. */
  readonly components: readonly ResolvedComponent[];
  readonly companions: Companions;
  /** PersistentVolumeClaims that the operator creates for the graph (v1alpha1 `pvcs`, 0.4 `pvc`). */
  readonly claims: readonly MapNode[];
  /** What else the operator creates: claim templates of GPUs, an endpoint picker's configuration and pool. */
  readonly shared: readonly MapNode[];
  /** What the cluster would refuse or the operator would fail at, and what was assumed. */
  readonly diagnostics: readonly Diagnostic[];
}

export interface ResolvedComponent {
  /** As written: the key of `services` or the `name` of a component. */
  readonly name: string;
  /** The operator's component type: frontend, worker, prefill, decode, planner, epp; `''` or anything else is a plain component. */
  readonly type: string;
  /** v1alpha1 `subComponentType`, where it was written and the type does not say it already. */
  readonly subType: string | undefined;
  /** `<graph>-<lower-case component>[-HASH]` */
  readonly deploymentName: string;
  readonly replicas: number;
  /** `runtimeVersionOverride` of the file. */
  readonly runtimeVersionOverride: string | undefined;
  /** Pods per replica: 1 unless `multinode`. */
  readonly nodeCount: number;
  /** The PodTemplateSpec of the Deployment (metadata and spec), each value with its origin; the worker hash is written `HASH`. */
  readonly podTemplate: MapNode;
  /** GPUs that containers of the pod share, by the name of the pod's claim; undefined where it claims none. */
  readonly gpuClaims?: ReadonlyMap<string, number>;
  /** False where the component's annotation turns the discovery of pull secrets off: its own list counts alone. */
  readonly discoversPullSecrets: boolean;
  /** Service documents, the frontend's (or system) service first. */
  readonly services: readonly MapNode[];
  readonly origin: Origin;
}

/** The worker hash of names, labels and environment: it changes with the operator's own build, so it stays a wildcard. */
export const WORKER_HASH = 'HASH';
