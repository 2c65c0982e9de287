import type { DesiredContainer } from '../model/desired-state.ts';
import { UserError } from '../model/diagnostic.ts';
import type { Emit } from '../model/event.ts';
import type { Operation, OperationKind } from '../model/plan.ts';
import type { PullProgress, Runtime } from '../model/runtime.ts';
import { POD_ADDRESS } from '../plan/pod-identity.ts';
import { hideSecrets } from './hide-secrets.ts';

type Executor<K extends OperationKind> = (
  operation: { readonly kind: K } & Operation<K>,
  signal: AbortSignal,
) => Promise<void>;
export type Executors = { readonly [K in OperationKind]: Executor<K> };

/** The waits, which need more than a runtime: an `up` or `restart` brings them. */
export type WaitExecutors = Pick<
  Executors,
  | 'waitHealthy'
  | 'waitCompleted'
  | 'waitStarted'
  | 'waitReady'
  | 'forgetRegistrations'
  | 'waitRegistered'
  | 'waitRoutable'
>;

export interface ExecuteOptions {
  readonly runtime: Runtime;
  readonly project: string;
  readonly emit: Emit;
  /** The container that a name stands for, as the replica it belongs to: who shows the stage. */
  readonly replicaOf: (name: string) => string | undefined;
  readonly waits: WaitExecutors;
  /** Called around the start of a container, so that none of its lines is missed. */
  readonly onStart?: (name: string, started: Promise<void>) => void;
  /** Values that no error may tell. */
  readonly secrets?: readonly string[];
}

function noWait(): Promise<void> {
  return Promise.reject(new Error('this plan waits for nothing'));
}

/** For plans that only remove, stop or pull. */
export const NO_WAITS: WaitExecutors = {
  waitHealthy: noWait,
  waitCompleted: noWait,
  waitStarted: noWait,
  waitReady: noWait,
  forgetRegistrations: noWait,
  waitRegistered: noWait,
  waitRoutable: noWait,
};

function makeExecutors({ runtime, project, emit, replicaOf, waits, onStart }: ExecuteOptions): Executors {
  const stage = (name: string, now: 'created' | 'starting' | 'stopping' | 'stopped' | 'removed') => {
    const replica = replicaOf(name);
    if (replica !== undefined) emit({ type: 'replica-stage', replica, stage: now });
  };
  return {
    ...waits,
    pullImage: async ({ image, logins, isHere }, signal) => {
      try {
        const onProgress = (progress: PullProgress) => emit({ type: 'pull-progress', image, ...progress });
        await runtime.pullImage(image, { logins, onProgress }, signal);
      } catch (error) {
        if (!isHere || signal.aborted || !(error instanceof UserError)) throw error;
        const message = `${image} cannot be pulled, its copy here runs; a kubelet would wait: ${error.message}`;
        emit({ type: 'notice', diagnostic: { severity: 'warning', code: 'PULL_SKIPPED', message } });
      }
    },
    createNetwork: ({ network }, signal) => runtime.createNetwork(project, network, signal),
    createVolume: ({ volume }, signal) => runtime.createVolume(project, volume, signal),
    createContainer: async ({ container }, signal) => {
      await runtime.createContainer(await withPodAddress(container, runtime, signal), signal);
      stage(container.name, 'created');
    },
    startContainer: async ({ name }, signal) => {
      stage(name, 'starting');
      const started = runtime.startContainer(name, signal);
      onStart?.(name, started);
      await started;
    },
    stopContainer: async ({ name, graceSeconds }, signal) => {
      stage(name, 'stopping');
      await runtime.stopContainer(name, graceSeconds, signal);
      stage(name, 'stopped');
    },
    removeContainer: async ({ name }, signal) => {
      await runtime.removeContainer(name, signal);
      stage(name, 'removed');
    },
    removeNetwork: ({ network }, signal) => runtime.removeNetwork(network, signal),
    removeVolume: ({ volume }, signal) => runtime.removeVolume(volume, signal),
    setRestartPolicy: ({ name, policy }, signal) => runtime.setRestartPolicy(name, policy, signal),
  };
}

/** The container with its pod's own address in its environment and command, now that the sandbox has one. */
async function withPodAddress(
  container: DesiredContainer,
  runtime: Runtime,
  signal: AbortSignal,
): Promise<DesiredContainer> {
  const words = [
    ...(container.entrypoint ?? []),
    ...(container.args ?? []),
    ...container.env.map((entry) => entry.value),
  ];
  if (container.network.kind !== 'container' || !words.some((word) => word.includes(POD_ADDRESS))) return container;
  const address = (await runtime.inspect(container.network.name, signal))?.address ?? '';
  const fill = (word: string) => word.replaceAll(POD_ADDRESS, address);
  return {
    ...container,
    entrypoint: container.entrypoint?.map(fill),
    args: container.args?.map(fill),
    env: container.env.map((entry) => ({ ...entry, value: fill(entry.value) })),
  };
}

/** A function that executes any operation by its kind; nothing is decided here. */
export function executeOperation(
  options: ExecuteOptions,
): (operation: Operation, signal: AbortSignal) => Promise<void> {
  const executors = makeExecutors(options);
  return async (operation, signal) => {
    try {
      await execute(executors, operation, signal);
    } catch (error) {
      throw hideSecrets(error, options.secrets ?? []);
    }
  };
}

function execute<K extends OperationKind>(
  executors: Executors,
  operation: { readonly kind: K } & Operation<K>,
  signal: AbortSignal,
): Promise<void> {
  const run: Executor<K> = executors[operation.kind];
  return run(operation, signal);
}
