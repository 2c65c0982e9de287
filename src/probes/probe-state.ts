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

/** `early-failure`: a try between the declared periods that failed. It ends a row of successes, but is no failure. */
export type TryResult = 'success' | 'failure' | 'early-failure';

export const INITIAL_PROBE_STATE: ProbeState = { successes: 0, failures: 0, result: 'unknown' };

/** A result counts once it was seen `threshold` times in a row (pkg/kubelet/prober/worker.go doProbe); below that nothing changes. */
export function nextProbeState(state: ProbeState, tried: TryResult, thresholds: Thresholds): ProbeState {
  switch (tried) {
    case 'success': {
      const successes = state.successes + 1;
      const result = successes >= thresholds.successThreshold ? 'success' : state.result;
      return { successes, failures: 0, result };
    }
    case 'failure': {
      const failures = state.failures + 1;
      const result = failures >= thresholds.failureThreshold ? 'failure' : state.result;
      return { successes: 0, failures, result };
    }
    case 'early-failure':
      return { ...state, successes: 0 };
  }
}
