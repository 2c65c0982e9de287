import type { DesiredContainer, DesiredVolume } from './desired-state.ts';
import type { Diagnostic } from './diagnostic.ts';
import type { RegistryLogin } from './runtime.ts';

/**
 * Everything a plan can do, by kind: each is one call to the runtime, or one wait. A new operation does not compile until it
 * is executed (`engine/executors.ts`) and described (`plan/plan-text.ts`).
 */
export interface OperationArgs {
  pullImage: {
    readonly image: string;
    readonly logins: readonly RegistryLogin[];
    /** It is here already: where it cannot be pulled that copy runs, and this is said. */
    readonly isHere: boolean;
  };
  createNetwork: { readonly network: string };
  createVolume: { readonly volume: DesiredVolume };
  createContainer: { readonly container: DesiredContainer };
  startContainer: { readonly name: string };
  /** SIGTERM, then SIGKILL after the grace period. */
  stopContainer: { readonly name: string; readonly graceSeconds: number };
  removeContainer: { readonly name: string };
  removeNetwork: { readonly network: string };
  removeVolume: { readonly volume: string };
  /** Docker restarts it from now on (`up` detached) or no longer does (attached: the engine here does). */
  setRestartPolicy: { readonly name: string; readonly policy: 'no' | 'unless-stopped' };
  /** etcd or NATS answers a real request. */
  waitHealthy: {
    readonly service: 'etcd' | 'nats';
    /** Its container; undefined where it is not the project's own. */
    readonly name: string | undefined;
    /** NATS must have JetStream. */
    readonly jetStream: boolean;
  };
  /** An init container ended with code 0. */
  waitCompleted: { readonly replica: string; readonly name: string };
  /** The startup probe of a native sidecar passes. */
  waitStarted: { readonly replica: string; readonly name: string };
  /** Startup and readiness probes of the replica's containers pass. */
  waitReady: { readonly replica: string };
  /** Before a replica starts: what processes that are gone have left in etcd is wiped. */
  forgetRegistrations: { readonly replica: string };
  /** All instances of the replica are in etcd. */
  waitRegistered: { readonly replica: string };
  /** The frontend lists the model and answers a request of its type. */
  waitRoutable: { readonly frontend: string };
}
export type OperationKind = keyof OperationArgs;
export type Operation<K extends OperationKind = OperationKind> = {
  [P in K]: { readonly kind: P } & OperationArgs[P];
}[K];

/** `target` is the container, network, volume, image or replica concerned; `cause` says why; `text` is the one line shown. */
export interface PlanStep {
  readonly id: string;
  readonly operation: Operation;
  readonly target: string;
  readonly text: string;
  readonly cause: string;
  /** Ids of the steps that must have ended before. */
  readonly after: readonly string[];
}

/** A DAG in a stable order in which every step stands after those it waits for. No steps: nothing to do. */
export interface Plan {
  readonly project: string;
  readonly steps: readonly PlanStep[];
  readonly notices: readonly Diagnostic[];
}
