import type { ExitCode } from './diagnostic.ts';
import type { Stage } from './event.ts';

/** How the process of a container ended. `signal` is its name where the code is 128 and more; an OOM kill is a SIGKILL as well. */
export interface ProcessEnd {
  readonly exitCode: number;
  readonly signal: string | undefined;
  readonly oomKilled: boolean;
}

/**
 * One root cause of a failed `up`, whole enough to act on; the JSON event has the same fields. `code` is stable. Nothing in it is a
 * secret, but `lastLines` are what the container itself wrote.
 */
export interface FailureCard {
  readonly code: string;
  readonly exitCode: ExitCode;
  /** One sentence: what happened. */
  readonly message: string;
  readonly component: string | undefined;
  /** `decode-0`, `etcd` */
  readonly replica: string | undefined;
  readonly ended: ProcessEnd | undefined;
  /** The stage that was reached, and milliseconds spent in it. */
  readonly stage: Stage | undefined;
  readonly stageMs: number | undefined;
  /** What the last probe (or the last request to the frontend) got: `HTTP 503`. */
  readonly lastAnswer: string | undefined;
  /** At most 20, without colours. */
  readonly lastLines: readonly string[];
  /** Other replicas that failed of the same cause. */
  readonly alsoFailed: readonly string[];
  readonly cause: string | undefined;
  /** What to do. */
  readonly hint: string;
  /** A command that shows more. */
  readonly next: string;
}
