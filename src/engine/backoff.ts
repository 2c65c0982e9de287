/**
 * How long to wait before the n-th restart in a row (n from 1), in milliseconds: at once, then 10 s doubling to 5 min, as the kubelet
 * does (pkg/kubelet/kubelet.go backOffPeriod, MaxContainerBackOff).
 */
export function restartDelayMs(restart: number): number {
  if (restart <= 1) return 0;
  return Math.min(10_000 * 2 ** (restart - 2), 300_000);
}

/** A container that has run this long starts counting anew: twice the longest back-off (kubelet's backOff.HasExpiredSince). */
export const BACKOFF_RESET_MS = 600_000;
