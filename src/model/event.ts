import type { Diagnostic } from './diagnostic.ts';
import type { FailureCard } from './failure-card.ts';
import type { OperationKind, Plan } from './plan.ts';
import type { PullLayer } from './runtime.ts';

/**
 * Where a replica stands on its way up; `ps` and all renderers use these words. The ladder: `started` (its process runs), `ready` (its
 * probes pass), `registered` (it is ready, and all its instances are in etcd), `listed` (the frontend lists its model), `routable`
 * (requests for the model succeed). A replica that registers nothing goes from `ready` to `routable`.
 */
export type Stage =
  | 'waiting'
  | 'pulling'
  | 'created'
  | 'starting'
  | 'started'
  | 'ready'
  | 'registered'
  | 'listed'
  | 'routable'
  | 'restarting'
  | 'stopping'
  | 'stopped'
  | 'failed'
  | 'removed';

/**
 * The one stream that renderers subscribe to. `type` is the stable code; `time` is milliseconds since the epoch.
 * No secret is ever in an event.
 */
export type DynamoEvent = { readonly time: number } & EventBody;

export type EventBody =
  | { readonly type: 'plan'; readonly plan: Plan }
  | { readonly type: 'notice'; readonly diagnostic: Diagnostic }
  | {
      readonly type: 'step-started';
      readonly id: string;
      readonly kind: OperationKind;
      readonly target: string;
      readonly text: string;
      readonly cause: string;
    }
  | {
      readonly type: 'step-finished';
      readonly id: string;
      readonly kind: OperationKind;
      readonly target: string;
      readonly durationMs: number;
    }
  | {
      readonly type: 'step-failed';
      readonly id: string;
      readonly kind: OperationKind;
      readonly target: string;
      readonly message: string;
    }
  | {
      readonly type: 'pull-progress';
      readonly image: string;
      readonly doneBytes: number;
      readonly totalBytes: number;
      readonly status: string;
      readonly layers: readonly PullLayer[];
    }
  | { readonly type: 'replica-stage'; readonly replica: string; readonly stage: Stage; readonly detail?: string }
  /** What its log says it is doing: `loading 50 %`, `capturing graphs`. For show only. `share` is from 0 to 1. */
  | { readonly type: 'progress'; readonly replica: string; readonly text: string; readonly share?: number }
  /** Instances of a component in etcd, after each change; `missing` says what lacks: `decode-1 has no lease`. */
  | {
      readonly type: 'registrations';
      readonly component: string;
      readonly registered: number;
      readonly expected: number;
      readonly missing: readonly string[];
    }
  | {
      readonly type: 'log';
      readonly source: string;
      readonly stream: 'stdout' | 'stderr';
      readonly line: string;
      readonly at?: number;
    }
  | {
      readonly type: 'container-died';
      readonly replica: string;
      readonly exitCode: number;
      readonly oomKilled: boolean;
    }
  | {
      readonly type: 'replica-restarting';
      readonly replica: string;
      readonly reason: string;
      readonly delayMs: number;
      readonly count: number;
    }
  | {
      readonly type: 'graph-ready';
      readonly durationMs: number;
      readonly url?: string;
      readonly models: readonly string[];
    }
  /** What one check of the smoke suite saw. */
  | {
      readonly type: 'smoke-check';
      readonly check: string;
      readonly outcome: 'pass' | 'fail' | 'skip';
      readonly detail: string;
      readonly durationMs: number;
    }
  /** What the operator of a cluster says of a graph. */
  | { readonly type: 'graph-status'; readonly graph: string; readonly text: string }
  | { readonly type: 'stopping'; readonly reason: string }
  | { readonly type: 'failed'; readonly card: FailureCard }
  | { readonly type: 'done'; readonly summary: string };

export type Emit = (event: EventBody) => void;
