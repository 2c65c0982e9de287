import { explainFailure } from '../diagnose/explain-failure.ts';
import type { RunRecord } from '../diagnose/run-record.ts';
import { UserError } from '../model/diagnostic.ts';
import type { Evidence } from '../model/evidence.ts';

export interface ErrorContext {
  readonly project: string;
  readonly evidence: Evidence;
  readonly record: RunRecord;
  /** The replica of a container. */
  readonly replicaOf: (name: string) => string | undefined;
  readonly now: number;
}

/** Nothing has run yet. */
export const NO_EVIDENCE: Evidence = { replicas: [], routing: undefined };

/** The error with its card, which decides code and exit code; what is no UserError is a bug and stays as it is. */
export function explainError(error: unknown, context: ErrorContext): unknown {
  if (!(error instanceof UserError) || error.card) return error;
  const { record } = context;
  const step = record.failedStep;
  const card = explainFailure({
    failure: {
      code: error.code,
      exitCode: error.exitCode,
      message: error.message,
      hint: error.hint,
      replica: error.replica ?? (step === undefined ? undefined : context.replicaOf(step)),
    },
    evidence: context.evidence,
    project: context.project,
    standing: (replica) => record.standing(replica),
    died: record.died,
    now: context.now,
  });
  return new UserError(card.code, card.message, {
    exitCode: card.exitCode,
    hint: card.hint,
    replica: card.replica,
    ...(error.details === undefined ? {} : { details: error.details }),
    card,
    cause: error,
  });
}
