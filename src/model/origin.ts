/** A place in an input file: `line` and `col` count from 1, as editors do. */
export interface SourcePosition {
  readonly file: string;
  readonly line: number;
  readonly col: number;
}

/** The operator generations whose merge rules and defaults are known; one per cluster. */
export const OPERATOR_GENERATIONS = ['0.4', '0.6', '1.1', '1.5'] as const;
export type OperatorGeneration = (typeof OPERATOR_GENERATIONS)[number];

/**
 * Where a resolved value came from. `explain`, `render` and error messages read it.
 * - `file`: written by the user;
 * - `operator`: a default or rewrite of that operator generation, `source` is the operator's file (and line);
 * - `runtime`: demanded by the Dynamo runtime of that version;
 * - `local`: a deviation from the cluster, `deviation` is its row in `plan/deviations.ts`;
 * - `flag`: the command line or the caller's environment.
 */
export type Origin =
  | { readonly kind: 'file'; readonly at: SourcePosition }
  | { readonly kind: 'operator'; readonly generation: OperatorGeneration; readonly source: string }
  | { readonly kind: 'runtime'; readonly version: string; readonly source: string }
  | { readonly kind: 'local'; readonly deviation: string; readonly reason: string }
  | { readonly kind: 'flag'; readonly flag: string };

/** `agg.yaml:6:17`, the form that editors and terminals turn into a link. */
export function formatPosition(at: SourcePosition): string {
  return `${at.file}:${at.line}:${at.col}`;
}
