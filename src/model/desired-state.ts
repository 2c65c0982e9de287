import type { Diagnostic } from './diagnostic.ts';
import type { ReplicaFacts } from './observed-state.ts';
import type { OperatorGeneration, Origin } from './origin.ts';
import type { Probes } from './probe.ts';
import type { RegistryLogin } from './runtime.ts';

/** Everything one project shall consist of on this machine. Pure data: no ids, no clock, no engine. */
export interface DesiredState {
  readonly project: string;
  readonly graph: string;
  readonly generation: OperatorGeneration;
  readonly source: string;
  readonly network: string;
  readonly volumes: readonly DesiredVolume[];
  /** Empty where servers are used that run already. */
  readonly infra: readonly DesiredInfra[];
  /** What the graph needs of its servers besides etcd; with `registry`, a folder, it needs none. */
  readonly servers: { readonly nats: boolean; readonly jetStream: boolean; readonly registry?: string };
  /** Sorted by component in file order, then by index. */
  readonly replicas: readonly DesiredReplica[];
  /** Logins of the graph's pull secrets, by image. */
  readonly pullLogins: ReadonlyMap<string, readonly RegistryLogin[]>;
  readonly notices: readonly Diagnostic[];
}

/**
 * A named volume. `owner` is the uid and gid its root directory gets when it is made (facts: images from 1.0 on run as 1000).
 * A `scratch` volume is an emptyDir: it starts empty, anyone may write to it, and it goes with its replica; with `memoryBytes` it is
 * a tmpfs of that size (0: no limit).
 */
export interface DesiredVolume {
  readonly name: string;
  /** Claim name, or the pod's name of an emptyDir. */
  readonly claim: string;
  readonly scratch: boolean;
  readonly memoryBytes: number | undefined;
  readonly owner: number | undefined;
  /** Image used to give the fresh volume its owner; any image that has `chown`. */
  readonly image: string;
}

/** etcd or NATS as a container of the project, from compose/infra.yaml. */
export interface DesiredInfra {
  readonly service: 'etcd' | 'nats';
  readonly container: DesiredContainer;
}

/** One replica of one component: one pod of the cluster. */
export interface DesiredReplica {
  /** `<component>-<index>` as shown to people, e.g. `decode-0`; unique in the project. */
  readonly id: string;
  readonly component: string;
  readonly type: string;
  readonly index: number;
  /** Components that must be ready before it starts. */
  readonly startAfter: readonly string[];
  /** A replica that must be ready before it starts, of those before it: both load their model on one GPU. */
  readonly startAfterReplica?: string;
  readonly runtimeVersion: string;
  /** UUIDs of its GPUs, in the order the container sees them. */
  readonly gpus: readonly string[];
  /** Start order: sandbox (when there is one), init containers one after another, then sidecars and main at once. */
  readonly containers: readonly DesiredContainer[];
  /** Container port and path base of the OpenAI-compatible server, for frontends. */
  readonly frontendPort: number | undefined;
  /** What its main container's label tells of it as well. */
  readonly facts: ReplicaFacts;
}

export type ContainerRole = 'main' | 'sidecar' | 'init' | 'sandbox' | 'infra';

export interface DesiredContainer {
  /** Docker container name: `<project>-<component>-<index>[-<container>]`. */
  readonly name: string;
  /** Name within the pod: `main`, a sidecar's name. */
  readonly container: string;
  readonly role: ContainerRole;
  readonly image: string;
  readonly pullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  /** Kubernetes `command`: replaces the image's ENTRYPOINT. Undefined keeps the image's (EPP). */
  readonly entrypoint: readonly string[] | undefined;
  readonly args: readonly string[] | undefined;
  readonly env: readonly DesiredEnv[];
  readonly workingDir: string | undefined;
  /** `uid[:gid]` */
  readonly user: string | undefined;
  readonly groups: readonly number[];
  readonly capabilitiesAdd: readonly string[];
  readonly capabilitiesDrop: readonly string[];
  readonly privileged: boolean;
  readonly readOnlyRoot: boolean;
  readonly shmBytes: number | undefined;
  readonly memoryBytes: number | undefined;
  /** CPU limit in cores. */
  readonly cpus: number | undefined;
  readonly ulimits: readonly { readonly name: string; readonly soft: number; readonly hard: number }[];
  /** UUIDs passed as Docker DeviceRequests DeviceIDs; empty: no GPU (DESIGN decision 1). */
  readonly gpus: readonly string[];
  readonly ipcMode: string | undefined;
  readonly mounts: readonly DesiredMount[];
  readonly tmpfs: readonly { readonly path: string; readonly options: string }[];
  /** Written into the created container before it starts: ConfigMap and Secret files. */
  readonly files: readonly DesiredFile[];
  readonly network: DesiredNetworking;
  readonly publish: readonly PublishedPort[];
  readonly probes: Probes;
  /** A native sidecar: what stands after it in its pod waits until it runs and its startup probe passes. */
  readonly holdsBack?: true;
  /** Seconds between SIGTERM and SIGKILL. */
  readonly graceSeconds: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Hash over all of the above: a container with another hash is recreated. */
  readonly hash: string;
}

/** `secret` values are written to the container only: never to labels, plans, events or errors (DESIGN decision 10). */
export interface DesiredEnv {
  readonly name: string;
  readonly value: string;
  readonly secret: boolean;
  readonly origin: Origin;
}

export type DesiredMount =
  | {
      readonly kind: 'volume';
      readonly volume: string;
      readonly path: string;
      readonly readOnly: boolean;
      readonly subPath?: string;
      /** Who owns a subPath that is missing; undefined: anybody may write there. */
      readonly owner?: number | undefined;
      /** As in a cluster a fresh volume starts empty: nothing of the image is copied into it. */
      readonly noCopy: boolean;
    }
  /** `create`: the engine makes a directory that is missing, as the container runtime of a node does. */
  | {
      readonly kind: 'bind';
      readonly source: string;
      readonly path: string;
      readonly readOnly: boolean;
      readonly create?: boolean;
    }
  /** An empty directory of the container alone: it holds the files of a ConfigMap or Secret and hides what the image has there. */
  | { readonly kind: 'own'; readonly path: string };

export interface DesiredFile {
  readonly path: string;
  readonly content: string | Uint8Array;
  readonly mode: number;
  readonly secret: boolean;
  readonly owner: number | undefined;
}

/**
 * Own address on the project's bridge with DNS aliases, or joined to another container's network namespace; a process of the host stands
 * on the host's network, and has a loopback address of its own to be told apart by.
 */
export type DesiredNetworking =
  | {
      readonly kind: 'bridge';
      readonly network: string;
      readonly aliases: readonly string[];
      readonly hostname: string;
    }
  | { readonly kind: 'container'; readonly name: string }
  | { readonly kind: 'host'; readonly address: string };

/** `hostPort` 0: the engine picks one; the hash counts 0, so that the pick does not change it. */
export interface PublishedPort {
  readonly containerPort: number;
  readonly hostAddress: string;
  readonly hostPort: number;
}
