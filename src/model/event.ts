import type { Diagnostic } from './diagnostic.ts';
import type { OperationKind, Plan } from './plan.ts';
import type { ProbeKind } from './probe.ts';

/** Where a replica stands on its way up; `ps` and all renderers use these words. */
export type Stage =
  | 'waiting'
  | 'pulling'
  | 'created'
  | 'starting'
  | 'started'
  | 'ready'
  | 'registered'
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
    }
  | { readonly type: 'replica-stage'; readonly replica: string; readonly stage: Stage; readonly detail?: string }
  | {
      readonly type: 'probe';
      readonly replica: string;
      readonly probe: ProbeKind;
      readonly ok: boolean;
      readonly answer: string;
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
  | { readonly type: 'stopping'; readonly reason: string }
  | {
      readonly type: 'failed';
      readonly code: string;
      readonly message: string;
      readonly hint?: string;
      readonly details?: string;
    }
  | { readonly type: 'done'; readonly summary: string };

export type Emit = (event: EventBody) => void;
