import type { DynamoEvent, Stage } from '../model/event.ts';

/** Where a replica stands, since when (milliseconds since the epoch). */
export interface Standing {
  readonly stage: Stage;
  readonly since: number;
}

/** What the events of an `up` tell that only matters when it fails: a subscriber like any renderer. */
export class RunRecord {
  readonly #standing = new Map<string, Standing>();
  readonly #died: string[] = [];
  #failedStep: string | undefined;

  handle(event: DynamoEvent): void {
    if (event.type === 'replica-stage') this.#enter(event.replica, event.stage, event.time);
    if (event.type === 'container-died' && !this.#died.includes(event.replica)) this.#died.push(event.replica);
    if (event.type === 'step-failed') this.#failedStep ??= event.target;
  }

  #enter(replica: string, stage: Stage, since: number): void {
    if (this.#standing.get(replica)?.stage !== stage) this.#standing.set(replica, { stage, since });
  }

  standing(replica: string): Standing | undefined {
    return this.#standing.get(replica);
  }

  /** Replicas of which a container died, in order. */
  get died(): readonly string[] {
    return this.#died;
  }

  /** The target of the first step that failed: a container, an image, a replica. */
  get failedStep(): string | undefined {
    return this.#failedStep;
  }
}
