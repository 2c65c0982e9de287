import type { Diagnostic, Severity } from '../model/diagnostic.ts';
import type { ClassifiedLaunch } from './classify-launch.ts';

/** Collects what is said about a recording, each thing once, at the line of the script. */
export class Notes {
  readonly #script: string;
  readonly #said: Diagnostic[] = [];

  /** `script`: as people named it. */
  constructor(script: string) {
    this.#script = script;
  }

  say(severity: Severity, code: string, message: string, of?: ClassifiedLaunch, hint?: string): void {
    if (this.#said.some((other) => other.code === code && other.message === message)) return;
    this.#said.push({
      severity,
      code,
      message,
      ...(of === undefined ? {} : { at: { file: of.launch.file ?? this.#script, line: of.launch.line, col: 1 } }),
      ...(hint === undefined ? {} : { hint }),
    });
  }

  all(): readonly Diagnostic[] {
    return this.#said;
  }
}
