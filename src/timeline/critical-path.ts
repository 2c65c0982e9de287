import type { PlanStep } from '../model/plan.ts';
import type { PathStep } from '../model/timeline.ts';

/** Milliseconds since the epoch; no end: it had not finished. */
export interface StepTimes {
  readonly start: number;
  readonly end: number | undefined;
}

/**
 * The chain of steps that decided when the last one ended: from it back, each time to the one that was waited for longest. A step
 * counts from the end of that one on: before, it could not have helped. In milliseconds since the epoch, first step first.
 */
export function findCriticalPath(
  steps: readonly PlanStep[],
  times: ReadonlyMap<string, StepTimes>,
): readonly PathStep[] {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const endOf = (id: string) => times.get(id)?.end ?? Number.NEGATIVE_INFINITY;
  const latest = (ids: readonly string[]) =>
    ids.reduce<string | undefined>(
      (best, id) => (best === undefined || endOf(id) > endOf(best) ? id : best),
      undefined,
    );
  const path: PathStep[] = [];
  let id = latest(steps.filter((step) => times.get(step.id)?.end !== undefined).map((step) => step.id));
  while (id !== undefined) {
    const step = byId.get(id);
    const at = times.get(id);
    if (step === undefined || at?.end === undefined) break;
    const before = latest(step.after);
    path.unshift({
      text: step.text,
      startMs: before === undefined ? at.start : Math.max(at.start, endOf(before)),
      endMs: at.end,
    });
    id = before;
  }
  return path;
}
