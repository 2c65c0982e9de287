import type { DynamoEvent } from '../model/event.ts';
import type { FailureCard } from '../model/failure-card.ts';
import type { Json } from '../model/node.ts';

/** The event as one JSON object. A plan is written as text: its steps hold whole containers, and those hold secrets. */
export function eventToJson(event: DynamoEvent): Json {
  switch (event.type) {
    case 'plan':
      return {
        time: event.time,
        type: event.type,
        project: event.plan.project,
        steps: event.plan.steps.map(({ id, operation, target, text, cause, after }) => ({
          id,
          kind: operation.kind,
          target,
          text,
          cause,
          after: [...after],
        })),
      };
    case 'notice': {
      const { severity, code, message, hint, at } = event.diagnostic;
      return {
        time: event.time,
        type: event.type,
        severity,
        code,
        message,
        ...(hint === undefined ? {} : { hint }),
        ...(at === undefined ? {} : { at: { file: at.file, line: at.line, col: at.col } }),
      };
    }
    case 'pull-progress':
      return { ...event, layers: event.layers.map((layer) => ({ ...layer })) };
    case 'graph-ready':
      return { ...event, models: [...event.models] };
    case 'registrations':
      return { ...event, missing: [...event.missing] };
    case 'failed':
      return { time: event.time, type: event.type, ...cardToJson(event.card) };
    default:
      return { ...event };
  }
}

/** All fields, those without a value as null: who reads them need not ask which there are. */
function cardToJson(card: FailureCard): { readonly [key: string]: Json } {
  return {
    code: card.code,
    exitCode: card.exitCode,
    message: card.message,
    component: card.component ?? null,
    replica: card.replica ?? null,
    ended: card.ended ? { ...card.ended, signal: card.ended.signal ?? null } : null,
    stage: card.stage ?? null,
    stageMs: card.stageMs ?? null,
    lastAnswer: card.lastAnswer ?? null,
    lastLines: [...card.lastLines],
    alsoFailed: [...card.alsoFailed],
    cause: card.cause ?? null,
    hint: card.hint,
    next: card.next,
  };
}
