import type { GraphFlags } from './graph-flags.ts';

/** Flags of `up`; durations are milliseconds. */
export interface UpFlags extends GraphFlags {
  readonly detach?: boolean;
  readonly waitTimeout?: number;
  readonly forceRecreate?: boolean;
  readonly keepOnFailure?: boolean;
  readonly restarts: number;
  readonly dryRun?: boolean;
  readonly progress?: string;
  readonly logs: boolean;
  readonly smoke?: boolean;
}
