import type { Diagnostic } from '../model/diagnostic.ts';
import type { Operation, Plan, PlanStep } from '../model/plan.ts';
import { describeOperation } from './describe-operation.ts';

/** Collects steps in an order in which each stands after those it waits for. */
export class PlanBuilder {
  readonly #steps: PlanStep[] = [];
  readonly #ids = new Set<string>();

  /** Adds a step and returns its id. `target` names what it concerns; adding the same kind and target twice is a bug. */
  add(operation: Operation, target: string, cause: string, after: readonly (string | undefined)[]): string {
    const id = `${operation.kind}:${target}`;
    if (this.#ids.has(id)) throw new Error(`the plan has two steps ${id}`);
    this.#ids.add(id);
    const known = [...new Set(after.flatMap((entry) => (entry === undefined ? [] : [entry])))];
    for (const entry of known)
      if (!this.#ids.has(entry)) throw new Error(`step ${id} waits for ${entry}, which is not planned`);
    this.#steps.push({ id, operation, target, text: describeOperation(operation), cause, after: known });
    return id;
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  build(project: string, notices: readonly Diagnostic[]): Plan {
    return { project, steps: this.#steps, notices };
  }
}
