import { describe, expect, test } from 'vitest';
import type { Probe, ProbeKind, Probes } from '../../../src/model/probe.ts';
import type { ProbeAnswer } from '../../../src/probes/probe-answer.ts';
import { type ProbeVerdict, watchProbes } from '../../../src/probes/watch-probes.ts';
import { FakeClock } from './fake-clock.ts';

const base: Probe = {
  handler: { kind: 'httpGet', scheme: 'HTTP', port: 9090, path: '/live', headers: [] },
  initialDelaySeconds: 0,
  periodSeconds: 10,
  timeoutSeconds: 1,
  successThreshold: 1,
  failureThreshold: 3,
};
const exec = { kind: 'exec', command: ['true'] } as const;
const yes: ProbeAnswer = { ok: true, answer: 'HTTP 200' };
const no: ProbeAnswer = { ok: false, answer: 'HTTP 503' };

interface Run {
  readonly clock: FakeClock;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
  readonly hurry: () => void;
  /** `0.05 ready`: seconds since the start, and the verdict. */
  readonly verdicts: string[];
  /** Seconds since the start at which a probe was tried. */
  readonly tries: Readonly<Record<ProbeKind, number[]>>;
}

function describeVerdict(verdict: ProbeVerdict): string {
  if (verdict.kind === 'failed') return `${verdict.probe} failed: ${verdict.answer}`;
  return verdict.kind === 'unready' ? `unready: ${verdict.answer}` : verdict.kind;
}

/** Watches probes whose answers depend on the seconds since the start; `takesMs` is how long a try takes. */
function start(
  written: Probes,
  answer: (kind: ProbeKind, seconds: number) => ProbeAnswer,
  options: { readonly takesMs?: number; readonly runningForMs?: number } = {},
): Run {
  // Each probe an object of its own, to know which one is tried.
  const probes: Probes = Object.fromEntries(Object.entries(written).map(([kind, probe]) => [kind, { ...probe }]));
  const clock = new FakeClock();
  const startedAt = clock.now() - (options.runningForMs ?? 0);
  const stop = new AbortController();
  const verdicts: string[] = [];
  const tries: Readonly<Record<ProbeKind, number[]>> = { startup: [], readiness: [], liveness: [] };
  const seconds = () => (clock.now() - startedAt) / 1000;
  const kindOf = (probe: Probe): ProbeKind =>
    probe === probes.startup ? 'startup' : probe === probes.readiness ? 'readiness' : 'liveness';
  const { ended, hurry } = watchProbes(
    {
      probes,
      clock,
      startedAt,
      run: async (probe, signal) => {
        const kind = kindOf(probe);
        tries[kind].push(seconds());
        if (options.takesMs !== undefined) await clock.sleep(options.takesMs, signal);
        return answer(kind, seconds());
      },
      onVerdict: (verdict) => verdicts.push(`${seconds()} ${describeVerdict(verdict)}`),
    },
    stop.signal,
  );
  return { clock, stop, ended, hurry, verdicts, tries };
}

describe('a container without probes', () => {
  test('is started and ready at once', async () => {
    const run = start({}, () => no);
    await run.clock.advance(0);
    expect(run.verdicts).toEqual(['0 started', '0 ready']);
    await run.ended;
  });
});

describe('waiting', () => {
  test('ends 50 ms after the answer changes, in the first seconds', async () => {
    const run = start({ readiness: base }, (_, s) => (s >= 1.23 ? yes : no));
    await run.clock.advance(5000);
    expect(run.verdicts).toEqual(['0 started', '1.25 ready']);
  });

  test('costs about one hundredth of a longer start', async () => {
    const run = start({ readiness: base }, (_, s) => (s >= 60 ? yes : no));
    await run.clock.advance(70_000);
    const [, ready] = run.verdicts;
    expect(Number.parseFloat(ready ?? '')).toBeLessThan(60.7);
    expect(run.tries.readiness.length).toBeLessThan(400);
  });

  test('never asks less often than once a second', async () => {
    const run = start({ readiness: base }, () => no);
    await run.clock.advance(600_000);
    const gaps = run.tries.readiness.slice(1).map((at, index) => at - (run.tries.readiness[index] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(1);
  });

  test('ends at once at a sign of progress, and is quick again after it', async () => {
    const run = start({ readiness: base }, (_, s) => (s >= 300.3 ? yes : no));
    await run.clock.advance(300_010);
    const before = run.tries.readiness.length;
    run.hurry();
    await run.clock.advance(0);
    expect(run.tries.readiness.length).toBe(before + 1);
    await run.clock.advance(1000);
    expect(run.verdicts.at(-1)).toMatch(/^300\.3\d* ready$/);
  });

  test('asks a command less often', async () => {
    const run = start({ readiness: { ...base, handler: exec } }, () => no);
    await run.clock.advance(5000);
    expect(run.tries.readiness).toEqual([0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5]);
  });

  test('ends before the initial delay has passed', async () => {
    const run = start({ readiness: { ...base, initialDelaySeconds: 60 } }, (_, s) => (s >= 2 ? yes : no));
    await run.clock.advance(3000);
    expect(run.verdicts).toEqual(['0 started', '2 ready']);
  });

  test('never has two tries under way', async () => {
    const run = start({ readiness: base }, () => no, { takesMs: 700 });
    await run.clock.advance(10_000);
    const gaps = run.tries.readiness.slice(1).map((at, index) => at - (run.tries.readiness[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(0.7);
  });
});

describe('startup', () => {
  test('keeps the other probes back until it passes', async () => {
    const run = start({ startup: base, readiness: base, liveness: base }, (kind, s) =>
      kind !== 'startup' || s >= 4 ? yes : no,
    );
    await run.clock.advance(3990);
    expect(run.tries).toMatchObject({ readiness: [], liveness: [] });
    expect(run.verdicts).toEqual([]);
    await run.clock.advance(10);
    expect(run.verdicts).toEqual(['4 started', '4 ready']);
  });

  test('fails after its threshold of declared tries, however many came between', async () => {
    const run = start({ startup: { ...base, failureThreshold: 3 } }, () => no);
    await run.clock.advance(19_999);
    expect(run.verdicts).toEqual([]);
    expect(run.tries.startup.length).toBeGreaterThan(50);
    await run.clock.advance(1);
    expect(run.verdicts).toEqual(['20 startup failed: HTTP 503']);
    await run.ended;
    expect(run.clock.sleeping).toBe(0);
  });

  test('counts its periods from the end of the delay', async () => {
    const run = start({ startup: { ...base, initialDelaySeconds: 5, failureThreshold: 2 } }, () => no);
    await run.clock.advance(60_000);
    expect(run.verdicts).toEqual(['15 startup failed: HTTP 503']);
  });

  test('does not count tries that the engine could not make', async () => {
    const broken: ProbeAnswer = { ok: false, answer: 'container is not running', void: true };
    const run = start({ startup: { ...base, handler: exec, failureThreshold: 1 } }, (_, s) => (s < 35 ? broken : no));
    await run.clock.advance(60_000);
    expect(run.verdicts).toEqual(['40 startup failed: HTTP 503']);
  });

  test('counts one failure for each declared time, even when tries are slow or time jumps', async () => {
    const slow = start({ startup: { ...base, periodSeconds: 1, failureThreshold: 4 } }, () => no, { takesMs: 2500 });
    await slow.clock.advance(60_000);
    // Begun at 0, 2.5, 5 and 7.5 s: declared times that passed meanwhile are made up for once and not twice.
    expect(slow.tries.startup.slice(0, 4)).toEqual([0, 2.5, 5, 7.5]);
    expect(slow.verdicts).toEqual(['10 startup failed: HTTP 503']);
  });
});

describe('readiness', () => {
  test('goes and comes back with its thresholds, at declared times only once it was there', async () => {
    const probe = { ...base, failureThreshold: 2 };
    const run = start({ readiness: probe }, (_, s) => (s < 12 || s > 45 ? yes : no));
    await run.clock.advance(70_000);
    expect(run.tries.readiness).toEqual([0, 10, 20, 30, 40, 50, 60, 70]);
    expect(run.verdicts).toEqual(['0 started', '0 ready', '30 unready: HTTP 503', '50 ready']);
  });

  test('needs its successes in a row, and quick ones count', async () => {
    const run = start({ readiness: { ...base, successThreshold: 3 } }, (_, s) => (s < 0.1 || s === 0.15 ? no : yes));
    await run.clock.advance(1000);
    // A success at 0.1 s, a failure at 0.15 s, then three successes.
    expect(run.verdicts).toEqual(['0 started', '0.3 ready']);
  });

  test('that never came is not told again and again', async () => {
    const run = start({ readiness: base }, () => no);
    await run.clock.advance(120_000);
    expect(run.verdicts).toEqual(['0 started']);
  });

  test('failing does not end anything', async () => {
    const run = start({ readiness: { ...base, failureThreshold: 1 } }, (_, s) => (s < 10 ? yes : no));
    await run.clock.advance(300_000);
    expect(run.verdicts).toEqual(['0 started', '0 ready', '10 unready: HTTP 503']);
  });
});

describe('liveness', () => {
  test('is asked at declared times only', async () => {
    const run = start({ liveness: { ...base, initialDelaySeconds: 7 } }, () => yes);
    await run.clock.advance(30_000);
    expect(run.tries.liveness).toEqual([7, 17, 27]);
    expect(run.verdicts).toEqual(['0 started', '0 ready']);
  });

  test('fails after its threshold, and everything ends with it', async () => {
    const run = start({ readiness: base, liveness: base }, (kind, s) => (kind === 'readiness' || s < 25 ? yes : no));
    await run.clock.advance(60_000);
    expect(run.verdicts).toEqual(['0 started', '0 ready', '50 liveness failed: HTTP 503']);
    await run.ended;
    expect(run.clock.sleeping).toBe(0);
    expect(run.tries.readiness.at(-1)).toBe(50);
  });

  test('a success between starts the count anew', async () => {
    const run = start({ liveness: base }, (_, s) => (s % 30 === 20 ? yes : no));
    await run.clock.advance(300_000);
    expect(run.verdicts).toEqual(['0 started', '0 ready']);
  });

  test('keeps its declared times after a long startup', async () => {
    const run = start({ startup: base, liveness: { ...base, failureThreshold: 1 } }, (kind, s) =>
      kind === 'startup' && s < 13 ? no : yes,
    );
    await run.clock.advance(40_000);
    expect(run.tries.liveness).toEqual([20, 30, 40]);
  });
});

describe('a container that has been running', () => {
  test('keeps the declared times of its start', async () => {
    const run = start({ liveness: base }, () => yes, { runningForMs: 123_400 });
    await run.clock.advance(20_000);
    expect(run.tries.liveness).toEqual([130, 140]);
  });
});

describe('the end', () => {
  test('comes with the signal, whatever goes on, and leaves no timer', async () => {
    const run = start({ startup: base, readiness: base }, () => no, { takesMs: 100 });
    await run.clock.advance(1030);
    run.stop.abort(new Error('enough'));
    await run.ended;
    expect(run.clock.sleeping).toBe(0);
    expect(run.verdicts).toEqual([]);
  });

  test('comes at once when the signal was aborted before', async () => {
    const stop = new AbortController();
    stop.abort();
    const verdicts: ProbeVerdict[] = [];
    const { ended } = watchProbes(
      { probes: {}, clock: new FakeClock(), run: async () => yes, onVerdict: (verdict) => verdicts.push(verdict) },
      stop.signal,
    );
    await ended;
    expect(verdicts).toEqual([]);
  });

  test('a fault of ours is not swallowed', async () => {
    const { ended } = watchProbes(
      {
        probes: { readiness: base },
        clock: new FakeClock(),
        run: () => Promise.reject(new TypeError('bug')),
        onVerdict: () => undefined,
      },
      new AbortController().signal,
    );
    await expect(ended).rejects.toThrow('bug');
  });
});
