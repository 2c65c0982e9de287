/** The stages of a start-up, in order; a lane has those that it went through. */
export const TIMELINE_STAGES = [
  'pull',
  'create',
  'start',
  /** Its process runs and has not said yet that it loads: interpreter and modules. */
  'import',
  /** Until its probes pass; of a process whose log tells nothing, the import too. */
  'load',
  'registered',
  'listed',
  'routable',
] as const;
export type TimelineStage = (typeof TIMELINE_STAGES)[number];

/** Milliseconds since the start of the run. */
export interface TimelineSpan {
  /** A replica (`decode-0`), `etcd` or `nats`. */
  readonly lane: string;
  readonly stage: TimelineStage;
  readonly startMs: number;
  readonly endMs: number;
}

/** A step of the plan without which the next one on the path could not begin. */
export interface PathStep {
  readonly text: string;
  readonly startMs: number;
  readonly endMs: number;
}

/** Where the time of one `up` went, from its plan to the graph that answers. */
export interface Timeline {
  readonly project: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly totalMs: number;
  readonly spans: readonly TimelineSpan[];
  readonly criticalPath: readonly PathStep[];
}
