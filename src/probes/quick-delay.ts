import type { Probe } from '../model/probe.ts';

/**
 * Between the declared periods a probe that never succeeded is tried again after 1 % of the time since it began or since the last sign of
 * progress: detection then costs 1 % of a start, within these bounds. An exec probe costs a process in the container (68 ms against
 * 1.5 ms, facts/peers.md §0.9), so it is tried less often.
 */
const QUICK = { leastMs: 50, mostMs: 1000, share: 0.01 };
const QUICK_EXEC = { leastMs: 500, mostMs: 2000, share: 0.02 };

/** Milliseconds until the next try of a probe that is waited for; `sinceMs` is the time since its start or the last sign of progress. */
export function quickDelay(probe: Probe, sinceMs: number): number {
  const { leastMs, mostMs, share } = probe.handler.kind === 'exec' ? QUICK_EXEC : QUICK;
  return Math.min(mostMs, Math.max(leastMs, Math.round(sinceMs * share)));
}
