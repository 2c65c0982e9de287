import type { Clock } from '../model/clock.ts';
import type { WorkerRole } from '../model/observed-state.ts';

/** A worker whose counters can be read: `metricsUrl` is its system server's page. */
export interface SmokeWorker {
  readonly id: string;
  readonly role: WorkerRole;
  readonly metricsUrl: string;
}

/** What is asked. Without workers (a bare URL) the checks that look at counters are skipped. */
export interface SmokeTarget {
  /** Of the frontend, without a path. */
  readonly url: string;
  readonly routerMode: string | undefined;
  readonly workers: readonly SmokeWorker[];
}

export interface SmokeContext extends SmokeTarget {
  /** The model that is asked; empty while none is known. */
  readonly model: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export interface Verdict {
  readonly outcome: 'pass' | 'fail' | 'skip';
  /** What was seen, in words for people. */
  readonly detail: string;
}

export interface CheckResult extends Verdict {
  readonly check: string;
  readonly durationMs: number;
}

export function pass(detail: string): Verdict {
  return { outcome: 'pass', detail };
}

export function fail(detail: string): Verdict {
  return { outcome: 'fail', detail };
}

export function skip(detail: string): Verdict {
  return { outcome: 'skip', detail };
}
