import type { MapNode } from './node.ts';
import type { Origin } from './origin.ts';

export type ApiVersion = 'nvidia.com/v1alpha1' | 'nvidia.com/v1beta1';

/**
 * A DynamoGraphDeployment as it was written, its layers unmerged: operator generations merge them in different orders
 * (facts/operator.md §4.3), and conversion between API versions loses what older generations need.
 */
export interface Graph {
  readonly apiVersion: ApiVersion;
  /** `metadata.name` */
  readonly name: string;
  /** `metadata.namespace`, when written. */
  readonly namespace: string | undefined;
  readonly metadata: MapNode;
  readonly spec: MapNode;
  /** In file order. */
  readonly components: readonly GraphComponent[];
  readonly companions: Companions;
  readonly origin: Origin;
}

/** One entry of v1alpha1 `spec.services` (the key is the name) or of v1beta1 `spec.components`. */
export interface GraphComponent {
  readonly name: string;
  readonly written: MapNode;
  readonly origin: Origin;
}

/** Documents that stand beside the graph, by `metadata.name`. */
export interface Companions {
  readonly secrets: ReadonlyMap<string, MapNode>;
  readonly configMaps: ReadonlyMap<string, MapNode>;
  readonly claims: ReadonlyMap<string, MapNode>;
  /** ResourceClaimTemplates (dynamic resource allocation). */
  readonly claimTemplates?: ReadonlyMap<string, MapNode>;
}

export const NO_COMPANIONS: Companions = { secrets: new Map(), configMaps: new Map(), claims: new Map() };
