import { executeOperation, NO_WAITS } from '../engine/execute-operation.ts';
import { walkPlan } from '../engine/walk-plan.ts';
import type { Emit } from '../model/event.ts';
import type { Plan } from '../model/plan.ts';
import type { Runtime } from '../model/runtime.ts';
import type { Io } from './io.ts';

export interface StopProject {
  readonly plan: Plan;
  readonly project: string;
  readonly runtime: Runtime;
  readonly io: Io;
  readonly emit: Emit;
  readonly replicaOf: (name: string) => string | undefined;
}

/** Walks a stopping plan with its grace periods; the second signal kills what is left instead. */
export async function stopProject({ plan, project, runtime, io, emit, replicaOf }: StopProject): Promise<void> {
  const execute = executeOperation({ runtime, project, emit, replicaOf, waits: NO_WAITS });
  try {
    await walkPlan(plan, { execute, emit, clock: io.clock }, io.killed);
  } catch (error) {
    if (!io.killed.aborted) throw error;
    const names = plan.steps.flatMap(({ operation }) => (operation.kind === 'stopContainer' ? [operation.name] : []));
    const never = new AbortController().signal;
    await Promise.all(names.map((name) => runtime.killContainer(name, never)));
  }
}
