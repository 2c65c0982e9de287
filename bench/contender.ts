/** One way to bring the same graph up and down again. */
export interface Contender {
  readonly name: 'dynamo' | 'compose' | 'bare' | 'process' | 'script';
  /** Resolves once everything was asked to start; the caller then asks for the first completion. */
  up(signal: AbortSignal): Promise<void>;
  down(signal: AbortSignal): Promise<void>;
  /** Where its frontend is published. */
  readonly url: string;
}
