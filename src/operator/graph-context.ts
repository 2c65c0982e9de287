import type { Diagnostic, Severity } from '../model/diagnostic.ts';
import type { Graph } from '../model/graph.ts';
import type { OperatorGeneration, Origin } from '../model/origin.ts';

/** What every step of a resolution knows of the graph it works on. */
export interface GraphContext {
  readonly graph: Graph;
  readonly generation: OperatorGeneration;
  readonly kubernetesNamespace: string;
  readonly report: (diagnostic: Diagnostic) => void;
}

/** What a step has to say about a written value. */
export interface Finding {
  readonly severity?: Severity;
  readonly code: string;
  readonly message: string;
  readonly origin?: Origin | undefined;
  readonly hint?: string;
}

/** Reports a finding with the position of the value it is about; a warning unless it says otherwise. */
export function reportFinding(context: GraphContext, finding: Finding): void {
  context.report({
    severity: finding.severity ?? 'warning',
    code: finding.code,
    message: finding.message,
    ...(finding.origin?.kind === 'file' ? { at: finding.origin.at } : {}),
    ...(finding.hint === undefined ? {} : { hint: finding.hint }),
  });
}
