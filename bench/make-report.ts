import { medianOf, type SampleName, type Samples } from './samples.ts';

interface Target {
  readonly of: SampleName;
  readonly over: SampleName;
  readonly atMost: number;
}

/** What is promised, as ratios of medians of one run: absolute times say more about the machine. */
const TARGETS: readonly Target[] = [
  { of: 'up dynamo', over: 'up bare', atMost: 1.2 },
  { of: 'up dynamo', over: 'up compose', atMost: 0.65 },
  { of: 'up process', over: 'up script', atMost: 1.15 },
  { of: 'down dynamo', over: 'down bare', atMost: 1.2 },
  { of: 'plan', over: 'compose config -q', atMost: 2.5 },
  { of: 'no-op up', over: 'compose config -q', atMost: 3 },
  { of: '--version', over: 'node -e 0', atMost: 2 },
];

interface Timing {
  readonly name: SampleName;
  readonly medianMs: number;
  readonly samplesMs: readonly number[];
}

interface Ratio extends Target {
  /** Undefined where one of the two was not measured. */
  readonly ratio: number | undefined;
  readonly reached: boolean | undefined;
}

export interface Report {
  readonly rounds: number;
  readonly timings: readonly Timing[];
  readonly ratios: readonly Ratio[];
  readonly notes: readonly string[];
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** Medians of everything that was timed, and which targets they reach. */
export function makeReport(samples: Samples, rounds: number, notes: readonly string[]): Report {
  return {
    rounds,
    timings: samples.names().map((name) => ({
      name,
      medianMs: round(medianOf(samples.get(name)) ?? 0, 1),
      samplesMs: samples.get(name).map((ms) => round(ms, 1)),
    })),
    ratios: TARGETS.map((target) => {
      const [of, over] = [medianOf(samples.get(target.of)), medianOf(samples.get(target.over))];
      const ratio = of === undefined || over === undefined ? undefined : round(of / over, 2);
      return { ...target, ratio, reached: ratio === undefined ? undefined : ratio <= target.atMost };
    }),
    notes,
  };
}

function verdict(reached: boolean | undefined): string {
  return reached === undefined ? 'not measured' : reached ? 'reached' : 'missed';
}

/** The report as two tables. */
export function formatReport({ rounds, timings, ratios, notes }: Report): string {
  const lines = [`${'what'.padEnd(20)}${'median'.padStart(10)}${'least'.padStart(10)}${'most'.padStart(10)}  samples`];
  for (const { name, medianMs, samplesMs } of timings) {
    const cells = [medianMs, Math.min(...samplesMs), Math.max(...samplesMs)];
    const text = cells.map((ms) => `${Math.round(ms)} ms`.padStart(10)).join('');
    lines.push(`${name.padEnd(20)}${text}  ${samplesMs.length}`);
  }
  lines.push('', `${'ratio'.padEnd(36)}${'seen'.padStart(6)}${'target'.padStart(9)}`);
  for (const { of, over, ratio, atMost, reached } of ratios) {
    const seen = ratio?.toFixed(2) ?? '-';
    const target = `≤ ${atMost}`;
    lines.push(`${`${of} / ${over}`.padEnd(36)}${seen.padStart(6)}${target.padStart(9)}  ${verdict(reached)}`);
  }
  lines.push('', `${rounds} rounds, medians`, ...notes);
  return lines.join('\n');
}
