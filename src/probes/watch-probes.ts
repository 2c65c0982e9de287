import type { Clock } from '../model/clock.ts';
import type { Probe, ProbeKind, Probes } from '../model/probe.ts';
import { Hurry } from './hurry.ts';
import type { ProbeAnswer } from './probe-answer.ts';
import { INITIAL_PROBE_STATE, nextProbeState, type TryResult } from './probe-state.ts';
import { quickDelay } from './quick-delay.ts';

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
  /** When the container was started, in milliseconds since the epoch: delays and periods count from there. Default: now. */
  readonly startedAt?: number;
  readonly run: (probe: Probe, signal: AbortSignal) => Promise<ProbeAnswer>;
  readonly onVerdict: (verdict: ProbeVerdict) => void;
  /** Every answer that was asked for, for the failure card. */
  readonly onAnswer?: (probe: ProbeKind, answer: ProbeAnswer) => void;
}

export interface ProbeWatch {
  /** A sign of progress (a port opens, a registration): what is waited for is tried at once, and then quickly again. */
  hurry(): void;
  /** Ends when the signal is aborted or a verdict `failed` was given. */
  readonly ended: Promise<void>;
}

/**
 * Runs the probes of a container that has been started, as a kubelet does: startup gates the others, results count in a row, delay and
 * period hold, and a container without probes is started and ready at once. Beyond a kubelet, startup and readiness are also tried
 * between the declared times until they succeed for the first time, before `initialDelaySeconds` too: waiting ends sooner, and what
 * fails there is no failure. One try per probe is under way at any time. After a verdict `failed` all watching ends.
 */
export function watchProbes(options: WatchProbesOptions, signal: AbortSignal): ProbeWatch {
  const hurry = new Hurry(options.clock);
  const over = new AbortController();
  const onAbort = () => over.abort(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  const ended = watchAll({ ...options, startedAt: options.startedAt ?? options.clock.now(), hurry, over })
    .catch((error: unknown) => {
      if (over.signal.aborted) return;
      over.abort();
      throw error;
    })
    .finally(() => signal.removeEventListener('abort', onAbort));
  return { hurry: () => hurry.mark(), ended };
}

interface Watch extends WatchProbesOptions {
  readonly startedAt: number;
  readonly hurry: Hurry;
  readonly over: AbortController;
}

async function watchAll(watch: Watch): Promise<void> {
  const { probes, onVerdict, hurry, over } = watch;
  const fail = (probe: 'startup' | 'liveness', answer: string) => {
    over.abort();
    onVerdict({ kind: 'failed', probe, answer });
  };
  if (probes.startup) {
    let failure: string | undefined;
    await repeat(watch, 'startup', probes.startup, (ok, answer) => {
      failure = ok ? undefined : answer;
      return 'end';
    });
    if (failure !== undefined) return fail('startup', failure);
    hurry.mark();
  }
  over.signal.throwIfAborted();
  onVerdict({ kind: 'started' });
  if (!probes.readiness) onVerdict({ kind: 'ready' });
  await Promise.all([
    probes.readiness &&
      repeat(watch, 'readiness', probes.readiness, (ok, answer) => {
        onVerdict(ok ? { kind: 'ready' } : { kind: 'unready', answer });
        return 'go-on';
      }),
    probes.liveness &&
      repeat(watch, 'liveness', probes.liveness, (ok, answer) => {
        if (ok) return 'go-on';
        fail('liveness', answer);
        return 'end';
      }),
  ]);
}

/** The first declared time after `now`; those that passed meanwhile are left out, as a ticker of Go does. */
function nextDeclared(watch: Watch, probe: Probe, now: number): number {
  const first = watch.startedAt + probe.initialDelaySeconds * 1000;
  const periodMs = Math.max(1, probe.periodSeconds) * 1000;
  return now < first ? first : first + (Math.floor((now - first) / periodMs) + 1) * periodMs;
}

/** Tries a probe until told to end, and tells each change of its result; not that readiness fails before it ever succeeded. */
async function repeat(
  watch: Watch,
  kind: ProbeKind,
  probe: Probe,
  onChange: (ok: boolean, answer: string) => 'go-on' | 'end',
): Promise<void> {
  const { clock, hurry } = watch;
  const { signal } = watch.over;
  let state = INITIAL_PROBE_STATE;
  let waiting = kind !== 'liveness';
  let declaredAt = nextDeclared(watch, probe, clock.now() - 1);
  for (;;) {
    signal.throwIfAborted();
    const beganAt = clock.now();
    const declared = beganAt >= declaredAt;
    if (declared || waiting) {
      if (declared) declaredAt = nextDeclared(watch, probe, beganAt);
      const answer = await watch.run(probe, signal);
      signal.throwIfAborted();
      watch.onAnswer?.(kind, answer);
      const before = state.result;
      if (!answer.void) state = nextProbeState(state, countTry(answer.ok, declared), probe);
      if (state.result === 'success') waiting = false;
      const silent = kind === 'readiness' && before === 'unknown' && state.result === 'failure';
      if (state.result !== before && !silent && onChange(state.result === 'success', answer.answer) === 'end') return;
    }
    const untilDeclared = Math.max(0, declaredAt - clock.now());
    if (waiting) await hurry.sleep(Math.min(untilDeclared, quickDelay(probe, hurry.sinceMs)), signal);
    else await clock.sleep(untilDeclared, signal);
  }
}

function countTry(ok: boolean, declared: boolean): TryResult {
  if (ok) return 'success';
  return declared ? 'failure' : 'early-failure';
}
