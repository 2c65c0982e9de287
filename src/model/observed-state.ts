import type { ContainerRole } from './desired-state.ts';
import type { GpuHold, Reach } from './host-inventory.ts';
import type { Probes } from './probe.ts';

/** One snapshot of what the runtime has for a project; labels are parsed here, once. */
export interface ObservedState {
  readonly project: string;
  readonly containers: readonly ObservedContainer[];
  readonly networks: readonly { readonly id: string; readonly name: string }[];
  readonly volumes: readonly ObservedVolume[];
  /** By reference as the desired state writes it; a reference that is not here is not on this machine. */
  readonly images: ReadonlyMap<string, ObservedImage>;
  /** GPUs held by running containers of every project of ours, this one included. */
  readonly gpuHolds: readonly GpuHold[];
}

export interface ObservedVolume {
  readonly name: string;
  /** An emptyDir, which goes with `down`; claims stay until `down -v`. */
  readonly scratch: boolean;
}

export interface ObservedImage {
  readonly id: string;
  /** `Config.User`, to know who must own a fresh volume. */
  readonly user: string;
  /** Of an image that holds CUDA: `12.9.1`, as NVIDIA's base images tell it in CUDA_VERSION. */
  readonly cudaVersion?: string;
}

export type ContainerStatus = 'created' | 'running' | 'paused' | 'restarting' | 'exited' | 'dead' | 'removing';

/** What a worker does for a request: all of it, or one half of a disaggregated one. */
export type WorkerRole = 'aggregated' | 'prefill' | 'decode' | 'encode';

/** What only commands without a source file need: kept in the label `dynamo.facts`. */
export interface ReplicaFacts {
  readonly graceSeconds: number;
  readonly reach: Reach;
  readonly runtimeVersion: string;
  readonly frontendPort?: number;
  /** How a frontend spreads requests: `round-robin`, `kv`, … */
  readonly routerMode?: string;
  /** Of a worker that serves a model. */
  readonly workerRole?: WorkerRole;
  /** Container port of a worker's system server, which has its counters (facts/versions.md §5). */
  readonly systemPort?: number;
  /** Instances that a worker puts into etcd: one per process. */
  readonly instances?: number;
  /** Its instances are services of NATS as well. */
  readonly natsServices?: boolean;
  /** The Dynamo namespace in which it registers (a frontend: which it watches). Undefined: not told. */
  readonly namespace?: string;
  /** The folder in which it registers where there is no etcd. */
  readonly registry?: string;
  /** A frontend watches every namespace that begins with this. */
  readonly namespacePrefix?: string;
}

export interface ObservedContainer {
  readonly id: string;
  readonly name: string;
  readonly project: string;
  readonly graph: string;
  readonly source: string;
  readonly component: string;
  readonly type: string;
  readonly replica: number;
  readonly role: ContainerRole;
  readonly container: string;
  readonly hash: string;
  readonly gpus: readonly string[];
  readonly probes: Probes;
  readonly facts: ReplicaFacts;
  readonly status: ContainerStatus;
  readonly exitCode: number | undefined;
  readonly oomKilled: boolean;
  /** It has a limit of memory of its own. */
  readonly memoryLimited: boolean;
  /** Milliseconds since the epoch; undefined before the first start. */
  readonly startedAt: number | undefined;
  readonly finishedAt: number | undefined;
  readonly imageId: string;
  readonly image: string;
  readonly restartPolicy: 'no' | 'unless-stopped' | 'always' | 'on-failure';
  readonly restartCount: number;
  /** Address on the project's network while running. */
  readonly address: string | undefined;
  /** Published ports while running, by container port. */
  readonly published: readonly {
    readonly containerPort: number;
    readonly hostAddress: string;
    readonly hostPort: number;
  }[];
}
