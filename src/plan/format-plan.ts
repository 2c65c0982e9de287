import { type Diagnostic, formatDiagnostic } from '../model/diagnostic.ts';
import type { Json } from '../model/node.ts';
import type { Plan } from '../model/plan.ts';

/** The plan as text: one line per step with its number, what it waits for, and why. Byte-stable; golden tests compare it. */
export function formatPlan(plan: Plan): string {
  if (plan.steps.length === 0) return `project ${plan.project}: nothing to do\n`;
  const numbers = new Map(plan.steps.map((step, index) => [step.id, index + 1]));
  const width = String(plan.steps.length).length;
  const lines = plan.steps.map((step, index) => {
    const after = step.after.map((id) => numbers.get(id)).toSorted((a, b) => Number(a) - Number(b));
    const waits = after.length > 0 ? ` after ${after.join(' ')}` : '';
    return `${String(index + 1).padStart(width)}  ${step.text}  (${step.cause}${waits})`;
  });
  return `project ${plan.project}: ${plan.steps.length} steps\n${lines.join('\n')}\n`;
}

/** `plan --format json`: {project, steps: [{id, kind, target, text, cause, after}], notices}; stable from the first release. */
export function planToJson(plan: Plan): Json {
  return {
    project: plan.project,
    steps: plan.steps.map(({ id, operation, target, text, cause, after }) => ({
      id,
      kind: operation.kind,
      target,
      text,
      cause,
      after: [...after],
    })),
    notices: plan.notices.map(diagnosticToJson),
  };
}

function diagnosticToJson(diagnostic: Diagnostic): Json {
  const { severity, code, message, at, hint } = diagnostic;
  return {
    severity,
    code,
    message,
    ...(at ? { at: { file: at.file, line: at.line, col: at.col } } : {}),
    ...(hint === undefined ? {} : { hint }),
  };
}

/** Notices for people, one per line. */
export function formatNotices(notices: readonly Diagnostic[]): string {
  return notices.map((notice) => `${formatDiagnostic(notice)}\n`).join('');
}
