import type { Clock } from '../model/clock.ts';
import type { Emit } from '../model/event.ts';
import type { Operation, Plan, PlanStep } from '../model/plan.ts';

export interface WalkOptions {
  readonly execute: (operation: Operation, signal: AbortSignal) => Promise<void>;
  readonly emit: Emit;
  readonly clock: Clock;
}

/**
 * Runs every step as soon as those it waits for have ended, all that can at once. The first failure stops what is under way,
 * is waited for, and is thrown; nothing is decided here.
 */
export async function walkPlan(plan: Plan, options: WalkOptions, signal: AbortSignal): Promise<void> {
  const failure = new AbortController();
  const combined = AbortSignal.any([signal, failure.signal]);
  const ended = new Map<string, Promise<void>>();
  for (const step of plan.steps) {
    const before = step.after.map(
      (id) => ended.get(id) ?? Promise.reject(new Error(`step ${step.id} stands before ${id}`)),
    );
    const run = Promise.all(before).then(() => runStep(step, options, combined));
    run.catch((error: unknown) => failure.abort(error));
    ended.set(step.id, run);
  }
  const results = await Promise.allSettled(ended.values());
  if (failure.signal.aborted) throw signal.aborted ? signal.reason : failure.signal.reason;
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

async function runStep(step: PlanStep, { execute, emit, clock }: WalkOptions, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { id, operation, target, text, cause } = step;
  const { kind } = operation;
  const startedAt = clock.now();
  emit({ type: 'step-started', id, kind, target, text, cause });
  try {
    await execute(operation, signal);
  } catch (error) {
    if (!signal.aborted)
      emit({ type: 'step-failed', id, kind, target, message: error instanceof Error ? error.message : String(error) });
    throw error;
  }
  emit({ type: 'step-finished', id, kind, target, durationMs: clock.now() - startedAt });
}
