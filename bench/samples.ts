export type SampleName =
  | `up ${'dynamo' | 'compose' | 'bare' | 'process' | 'script'}`
  | `down ${'dynamo' | 'compose' | 'bare' | 'process' | 'script'}`
  | 'plan'
  | 'no-op up'
  | 'compose config -q'
  | '--version'
  | 'node -e 0';

/** Milliseconds by what was timed, in the order in which they were first seen. */
export class Samples {
  readonly #byName = new Map<SampleName, number[]>();

  /** Times one try of `run`; one that fails leaves no sample. */
  async time(name: SampleName, run: () => Promise<unknown>): Promise<number> {
    const startedAt = performance.now();
    await run();
    const ms = performance.now() - startedAt;
    this.#byName.set(name, [...(this.#byName.get(name) ?? []), ms]);
    return ms;
  }

  get(name: SampleName): readonly number[] {
    return this.#byName.get(name) ?? [];
  }

  names(): readonly SampleName[] {
    return [...this.#byName.keys()];
  }
}

/** The middle of the values, or the mean of the two in the middle; undefined of none. */
export function medianOf(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  return upper === undefined || lower === undefined ? undefined : (upper + lower) / 2;
}
