import { executeOperation, NO_WAITS, type WaitExecutors } from '../engine/execute-operation.ts';
import { walkPlan } from '../engine/walk-plan.ts';
import type { DynamoEvent, Emit } from '../model/event.ts';
import { replicaId } from '../model/names.ts';
import type { ObservedContainer } from '../model/observed-state.ts';
import type { Plan } from '../model/plan.ts';
import type { Runtime } from '../model/runtime.ts';
import type { Io } from './io.ts';

/** A stream of events to the renderer that `--progress` or the terminal chooses. Loaded late: printing data needs none of it. */
export async function openRenderer(
  io: Io,
  progress: string | undefined,
): Promise<{ readonly emit: Emit; readonly close: () => Promise<void> }> {
  const { chooseMode, createRenderer } = await import('../ui/renderer.ts');
  const mode = chooseMode(progress, { isTTY: io.stderr.isTTY ?? false, env: io.env });
  const renderer = await createRenderer(mode, io.stderr, io.env);
  return {
    emit: (body) => renderer.handle({ time: io.clock.now(), ...body } satisfies DynamoEvent),
    close: () => renderer.close(),
  };
}

/** How people name the replica of a container: `decode-0`, `etcd`. */
export function nameOf(container: Pick<ObservedContainer, 'role' | 'component' | 'replica'>): string {
  return container.role === 'infra' ? container.component : replicaId(container.component, container.replica);
}

export interface RunPlanOptions {
  readonly plan: Plan;
  readonly containers: readonly ObservedContainer[];
  readonly runtime: Runtime;
  readonly io: Io;
  readonly emit: Emit;
  readonly doneText: string;
  readonly idleText: string;
  readonly waits?: WaitExecutors;
}

/** Walks a plan that removes, stops, pulls or restarts, and says how it ended. */
export async function runPlan(options: RunPlanOptions): Promise<void> {
  const { plan, runtime, io, emit } = options;
  if (plan.steps.length === 0) return emit({ type: 'done', summary: options.idleText });
  const names = new Map(options.containers.map((container) => [container.name, nameOf(container)]));
  emit({ type: 'plan', plan });
  const execute = executeOperation({
    runtime,
    project: plan.project,
    emit,
    replicaOf: (name) => names.get(name),
    waits: options.waits ?? NO_WAITS,
  });
  await walkPlan(plan, { execute, emit, clock: io.clock }, io.interrupted);
  emit({ type: 'done', summary: options.doneText });
}

/** The same for a verb that has nothing to show besides. */
export async function showPlanRun(options: Omit<RunPlanOptions, 'emit'>, progress: string | undefined): Promise<void> {
  const { emit, close } = await openRenderer(options.io, progress);
  try {
    await runPlan({ ...options, emit });
  } finally {
    await close();
  }
}
