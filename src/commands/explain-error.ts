import { explainFailure } from '../diagnose/explain-failure.ts';
import type { RunRecord } from '../diagnose/run-record.ts';
import { UserError } from '../model/diagnostic.ts';
import type { Emit } from '../model/event.ts';
import type { Evidence } from '../model/evidence.ts';
import type { Io } from './io.ts';
import type { LoadedProject } from './load-project.ts';

interface ErrorContext {
  readonly project: string;
  readonly evidence: Evidence;
  readonly record: RunRecord;
  /** The replica of a container. */
  readonly replicaOf: (name: string) => string | undefined;
  readonly now: number;
}

/** Nothing has run yet. */
export const NO_EVIDENCE: Evidence = { replicas: [], routing: undefined };

/** Their cause is known already: what ended besides ended because of it. */
const SELF_EXPLAINING: readonly string[] = ['KEEPER_LOST'];

/** The error with its card, which decides code and exit code; what is no UserError is a bug and stays as it is. */
function explainError(error: unknown, context: ErrorContext): unknown {
  if (!(error instanceof UserError) || error.card || SELF_EXPLAINING.includes(error.code)) return error;
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

type TellFailure = Omit<ErrorContext, 'project' | 'now'> & {
  readonly loaded: LoadedProject;
  readonly io: Io;
  readonly emit: Emit;
};

/** The error to throw, its card told to whoever shows events. */
export function tellFailure(error: unknown, { loaded, io, emit, ...context }: TellFailure): unknown {
  const explained = explainError(error, { ...context, project: loaded.project, now: io.clock.now() });
  if (explained instanceof UserError && explained.card) emit({ type: 'failed', card: explained.card });
  return explained;
}
