import type { Emit } from '../model/event.ts';
import { readProgress } from './read-progress.ts';
import { recognizeLine } from './recognize-failure.ts';

/** Makes events of what logs say: progress as it changes, and each failure that a process survives once. Nothing waits for them. */
export class LogReader {
  readonly #emit: Emit;
  readonly #progress = new Map<string, string>();
  readonly #told = new Set<string>();

  constructor(emit: Emit) {
    this.#emit = emit;
  }

  read(replica: string, line: string): void {
    const progress = readProgress(line);
    if (progress && this.#progress.get(replica) !== progress.text) {
      this.#progress.set(replica, progress.text);
      this.#emit({ type: 'progress', replica, ...progress });
    }
    const failure = recognizeLine(line);
    if (!failure?.survives || this.#told.has(`${replica} ${failure.code}`)) return;
    this.#told.add(`${replica} ${failure.code}`);
    this.#emit({
      type: 'notice',
      diagnostic: {
        severity: 'warning',
        code: failure.code,
        message: `${replica}: ${failure.cause}`,
        hint: failure.hint,
      },
    });
  }
}
