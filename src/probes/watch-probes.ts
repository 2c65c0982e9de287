import type { Clock } from '../model/clock.ts';
import type { Probe, ProbeKind, Probes } from '../model/probe.ts';
import type { ProbeAnswer } from './probe-answer.ts';
import { INITIAL_PROBE_STATE, nextProbeState, type ProbeState } from './probe-state.ts';

/** What the probes of one container say about it from now on. */
export type ProbeVerdict =
  | { readonly kind: 'started' }
  | { readonly kind: 'ready' }
  | { readonly kind: 'unready'; readonly answer: string }
  /** A kubelet restarts the container. */
  | { readonly kind: 'failed'; readonly probe: 'startup' | 'liveness'; readonly answer: string };

export interface WatchProbesOptions {
  readonly probes: Probes;
  readonly clock: Clock;
  readonly run: (probe: Probe, signal: AbortSignal) => Promise<ProbeAnswer>;
  readonly onVerdict: (verdict: ProbeVerdict) => void;
  /** Every answer that was asked for, for the failure card. */
  readonly onAnswer?: (probe: ProbeKind, answer: ProbeAnswer) => void;
}

export interface ProbeWatch {
  /** A sign of progress (a port opens, a registration): tries follow each other quickly again. */
  hurry(): void;
  /** Ends when the signal is aborted or a verdict `failed` was given. */
  readonly ended: Promise<void>;
}

/** Until the first success probes are also tried between the declared periods, quickly at first (DESIGN decision 3). */
const QUICK_MS = 50;
const QUICK_LIMIT_MS = 1000;
const QUICK_PHASE_MS = 10_000;
/** An exec probe costs a process in the container: 68 ms measured (facts/peers.md §0.9). */
const QUICK_EXEC_MS = 500;
const QUICK_EXEC_LIMIT_MS = 2000;

class Hurry {
  since: number;
  #wake: (() => void) | undefined;

  constructor(now: number) {
    this.since = now;
  }

  mark(now: number): void {
    this.since = now;
    this.#wake?.();
  }

  /** Sleeps, less long when somebody hurries. */
  async sleep(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    try {
      await clock.sleep(ms, AbortSignal.any([signal, woken.signal]));
    } catch (error) {
      if (signal.aborted) throw error;
    }
  }
}

function quickDelay(probe: Probe, sinceProgressMs: number): number {
  const exec = probe.handler.kind === 'exec';
  const least = exec ? QUICK_EXEC_MS : QUICK_MS;
  const most = exec ? QUICK_EXEC_LIMIT_MS : QUICK_LIMIT_MS;
  if (sinceProgressMs < QUICK_PHASE_MS) return least;
  return Math.min(most, least + (sinceProgressMs - QUICK_PHASE_MS) / 20);
}

/**
 * Runs the probes of a container that has just been started, as a kubelet does: startup gates the others, thresholds count in a row,
 * initialDelay and period hold. Quick tries between the declared periods end the waiting sooner but never count as failures.
 */
export function watchProbes(options: WatchProbesOptions, signal: AbortSignal): ProbeWatch {
  const startedAt = options.clock.now();
  const hurry = new Hurry(startedAt);
  const done = new AbortController();
  const combined = AbortSignal.any([signal, done.signal]);
  const ended = runAll(options, startedAt, hurry, done, combined).catch((error: unknown) => {
    if (!combined.aborted) throw error;
  });
  return { hurry: () => hurry.mark(options.clock.now()), ended };
}

async function runAll(
  options: WatchProbesOptions,
  startedAt: number,
  hurry: Hurry,
  done: AbortController,
  signal: AbortSignal,
): Promise<void> {
  const { startup, liveness, readiness } = options.probes;
  const fail = (probe: 'startup' | 'liveness', answer: string) => {
    options.onVerdict({ kind: 'failed', probe, answer });
    done.abort();
  };
  if (startup) {
    const passed = await untilResult('startup', startup, options, startedAt, hurry, signal);
    if (passed.result === 'failure') return fail('startup', passed.answer);
  }
  options.onVerdict({ kind: 'started' });
  const watches: Promise<void>[] = [];
  if (!readiness) options.onVerdict({ kind: 'ready' });
  if (readiness) {
    watches.push(
      watchForever('readiness', readiness, options, startedAt, hurry, signal, (ok, answer) => {
        options.onVerdict(ok ? { kind: 'ready' } : { kind: 'unready', answer });
      }),
    );
  }
  if (liveness) {
    watches.push(
      watchForever('liveness', liveness, options, startedAt, undefined, signal, (ok, answer) => {
        if (!ok) fail('liveness', answer);
      }),
    );
  }
  await Promise.all(watches);
}

/** One try; its answer, and the state after it when the try counts. */
async function tryProbe(
  kind: ProbeKind,
  probe: Probe,
  options: WatchProbesOptions,
  signal: AbortSignal,
): Promise<ProbeAnswer> {
  const answer = await options.run(probe, signal);
  options.onAnswer?.(kind, answer);
  return answer;
}

/** Tries until the probe succeeded, or failed `failureThreshold` times at declared periods. */
async function untilResult(
  kind: ProbeKind,
  probe: Probe,
  options: WatchProbesOptions,
  startedAt: number,
  hurry: Hurry,
  signal: AbortSignal,
): Promise<{ readonly result: 'success' | 'failure'; readonly answer: string }> {
  const { clock } = options;
  let state: ProbeState = INITIAL_PROBE_STATE;
  let due = startedAt + probe.initialDelaySeconds * 1000;
  for (;;) {
    signal.throwIfAborted();
    const now = clock.now();
    const declared = now >= due;
    const answer = await tryProbe(kind, probe, options, signal);
    if (declared) due = Math.max(due + probe.periodSeconds * 1000, now);
    if (answer.ok || declared) state = nextProbeState(state, answer.ok, probe);
    if (state.result !== 'unknown') return { result: state.result, answer: answer.answer };
    const quick = quickDelay(probe, clock.now() - hurry.since);
    await hurry.sleep(Math.max(0, Math.min(quick, due - clock.now())) || (declared ? quick : 0), clock, signal);
  }
}

/** Quick until the first success, then once each period; tells every change of the result. */
async function watchForever(
  kind: ProbeKind,
  probe: Probe,
  options: WatchProbesOptions,
  startedAt: number,
  hurry: Hurry | undefined,
  signal: AbortSignal,
  onChange: (ok: boolean, answer: string) => void,
): Promise<void> {
  const { clock } = options;
  let state: ProbeState = INITIAL_PROBE_STATE;
  let due = Math.max(startedAt + probe.initialDelaySeconds * 1000, clock.now());
  for (;;) {
    signal.throwIfAborted();
    const now = clock.now();
    const quick = hurry !== undefined && state.result !== 'success';
    const declared = now >= due;
    if (quick || declared) {
      const answer = await tryProbe(kind, probe, options, signal);
      if (declared) due = Math.max(due + probe.periodSeconds * 1000, now);
      const before = state.result;
      if (answer.ok || declared) state = nextProbeState(state, answer.ok, probe);
      if (state.result !== before && !(before === 'unknown' && state.result === 'failure' && kind === 'readiness')) {
        onChange(state.result === 'success', answer.answer);
      }
    }
    const wait = Math.max(1, due - clock.now());
    const stillQuick = hurry !== undefined && state.result !== 'success';
    if (stillQuick) await hurry.sleep(Math.min(wait, quickDelay(probe, clock.now() - hurry.since)), clock, signal);
    else await clock.sleep(wait, signal);
  }
}
