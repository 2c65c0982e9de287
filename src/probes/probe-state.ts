/** What a kubelet remembers of one probe: how often in a row it saw the same, and what it holds to be true. */
export interface ProbeState {
  readonly successes: number;
  readonly failures: number;
  /** `unknown` until a threshold was reached for the first time. */
  readonly result: 'unknown' | 'success' | 'failure';
}

export interface Thresholds {
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

export const INITIAL_PROBE_STATE: ProbeState = { successes: 0, failures: 0, result: 'unknown' };

/** A result counts once it was seen `threshold` times in a row (pkg/kubelet/prober/worker.go doProbe). */
export function nextProbeState(state: ProbeState, ok: boolean, thresholds: Thresholds): ProbeState {
  const successes = ok ? state.successes + 1 : 0;
  const failures = ok ? 0 : state.failures + 1;
  if (ok && successes >= thresholds.successThreshold) return { successes, failures, result: 'success' };
  if (!ok && failures >= thresholds.failureThreshold) return { successes, failures, result: 'failure' };
  return { successes, failures, result: state.result };
}
