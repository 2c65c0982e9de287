import type { FailureCard } from './failure-card.ts';
import { formatPosition, type SourcePosition } from './origin.ts';

export type Severity = 'error' | 'warning' | 'notice';

/**
 * Something to say about the input or the plan. `code` is stable, upper-case with underscores; `message` is one sentence;
 * `hint` says what to do. An error stops before anything starts; a notice is listed once.
 */
export interface Diagnostic {
  readonly severity: Severity;
  readonly code: string;
  readonly message: string;
  readonly at?: SourcePosition;
  readonly hint?: string;
  /** The field of the document that it is about, as the API server writes it: `spec.components[0].name`. */
  readonly field?: string;
}

/** `agg.yaml:6:17 error UNKNOWN_FIELD: … (hint)` on one line. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const place = diagnostic.at ? `${formatPosition(diagnostic.at)} ` : '';
  const hint = diagnostic.hint ? ` (${diagnostic.hint})` : '';
  return printable(`${place}${diagnostic.severity} ${diagnostic.code}: ${diagnostic.message}${hint}`);
}

/** Control characters spelt out: what a file or a script holds must not move the cursor, nor look like a line of ours. */
export function printable(text: string): string {
  return [...text]
    .map((character) => {
      const code = character.charCodeAt(0);
      const isControl = code < 0x20 || (code >= 0x7f && code < 0xa0);
      return isControl
        ? JSON.stringify(character)
            .slice(1, -1)
            .replace(/^[\u007f-\u009f]$/, `\\u00${code.toString(16)}`)
        : character;
    })
    .join('');
}

/** Exit codes of the command line; their meaning is fixed. */
export const EXIT = {
  ok: 0,
  bug: 1,
  usage: 2,
  preflight: 3,
  startFailed: 4,
  notReady: 5,
  smokeFailed: 6,
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** `details` are printed below the message: a table, the last lines of a log. They hold no secrets. */
export interface UserErrorOptions {
  readonly exitCode?: ExitCode;
  readonly hint?: string;
  readonly details?: string;
  readonly diagnostics?: readonly Diagnostic[];
  /** The replica (or `etcd`, `nats`) that it concerns. */
  readonly replica?: string | undefined;
  /** The whole story; it is printed in place of message, details and hint. */
  readonly card?: FailureCard;
  readonly cause?: unknown;
}

/** A fault of the input or of the machine, not of this program: printed without a stack. Everything else thrown is a bug. */
export class UserError extends Error {
  readonly code: string;
  readonly exitCode: ExitCode;
  readonly hint: string | undefined;
  readonly details: string | undefined;
  readonly diagnostics: readonly Diagnostic[];
  readonly replica: string | undefined;
  readonly card: FailureCard | undefined;

  constructor(code: string, message: string, options: UserErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'UserError';
    this.code = code;
    this.exitCode = options.exitCode ?? EXIT.usage;
    this.hint = options.hint;
    this.details = options.details;
    this.diagnostics = options.diagnostics ?? [];
    this.replica = options.replica;
    this.card = options.card;
  }
}

/** What the machine lacks, and not the file. */
const PREFLIGHT: readonly string[] = ['SECRET_MISSING', 'HOST_PATH_MISSING', 'CLAIM_MISSING'];

/** All problems of the input in one error, exit code 2 (3 when the machine alone is at fault). Throws when any of them is an error, else returns. */
export function throwOnErrors(diagnostics: readonly Diagnostic[]): void {
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === 'error');
  if (errors.length === 0) return;
  const first = errors[0];
  const code = errors.length === 1 && first ? first.code : 'INVALID_INPUT';
  const message = errors.length === 1 && first ? first.message : `${errors.length} problems in the input`;
  const machine = errors.every((error) => PREFLIGHT.includes(error.code));
  throw new UserError(code, message, { exitCode: machine ? EXIT.preflight : EXIT.usage, diagnostics: errors });
}
