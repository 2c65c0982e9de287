import { acquireLock } from '../host/acquire-lock.ts';
import { type Diagnostic, EXIT, UserError } from '../model/diagnostic.ts';
import type { GpuHold } from '../model/host-inventory.ts';
import type { Plan } from '../model/plan.ts';
import type { Io } from './io.ts';
import type { LoadedProject } from './load-project.ts';

/** The right to give out the GPUs of this machine: held from the look at what is free until what was given is taken. */
export interface GpuLedger extends AsyncDisposable {
  /** The containers that will take what was given. */
  readonly expect: (names: ReadonlySet<string>) => void;
  /** A container runs: from here on its label says what it holds. Lets others on once all have started. */
  readonly started: (name: string) => void;
}

/** Containers with GPUs that the plan starts. */
export function gpuStarts(plan: Plan, { desired }: LoadedProject): ReadonlySet<string> {
  const withGpus = new Set(
    desired.replicas.flatMap(({ containers }) =>
      containers.filter(({ gpus }) => gpus.length > 0).map(({ name }) => name),
    ),
  );
  return new Set(
    plan.steps.flatMap(({ operation }) =>
      operation.kind === 'startContainer' && withGpus.has(operation.name) ? [operation.name] : [],
    ),
  );
}

/** Waits for every other `up` of this machine that is about to take GPUs, whatever its runtime, its user or its way to the engine. The kernel frees the lock when its holder dies. */
export async function openGpuLedger(io: Io, holder: string, say: (notice: Diagnostic) => void): Promise<GpuLedger> {
  const lock = await acquireLock(
    {
      name: 'gpus',
      ofMachine: true,
      holder,
      clock: io.clock,
      onWait: (other) =>
        say({ severity: 'notice', code: 'LOCKED', message: `waiting for ${other}, which is about to take GPUs` }),
    },
    io.interrupted,
  );
  let waiting: Set<string> | undefined;
  let closed: Promise<void> | undefined;
  const close = async () => {
    closed ??= Promise.resolve(lock[Symbol.asyncDispose]());
    await closed;
  };
  return {
    expect: (names) => {
      waiting = new Set(names);
      if (names.size === 0) void close();
    },
    started: (name) => {
      if (waiting?.delete(name) && waiting.size === 0) void close();
    },
    [Symbol.asyncDispose]: close,
  };
}

/** Throws GPU_TAKEN (exit 3) when another project has got a GPU that this one was to have: a graph from stdin cannot be read again. */
export function checkStillFree({ desired }: LoadedProject, holds: readonly GpuHold[]): void {
  const wanted = new Set(desired.replicas.flatMap(({ gpus }) => gpus));
  const taken = holds.find(({ uuid, project }) => project !== desired.project && wanted.has(uuid));
  if (!taken) return;
  throw new UserError('GPU_TAKEN', `project ${taken.project} (${taken.replica}) took ${taken.uuid} a moment ago`, {
    exitCode: EXIT.preflight,
    hint: 'run it again: it gets others where some are free',
  });
}
