import type { DynamoEvent } from '../model/event.ts';
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
    case 'graph-ready':
      return { ...event, models: [...event.models] };
    default:
      return { ...event };
  }
}
