import type { Readable } from 'node:stream';
import { explainTemplate } from '../dgd/explain-template.ts';
import { type InspectedGraph, inspectGraphs } from '../dgd/inspect-graphs.ts';
import { type Diagnostic, UserError } from '../model/diagnostic.ts';
import type { OperatorGeneration } from '../model/origin.ts';
import { checkAdmission } from '../operator/check-admission.ts';
import { resolveGraph } from '../operator/resolve-graph.ts';
import { parseDocuments } from '../source/parse-documents.ts';
import { readSource } from '../source/read-source.ts';

/**
 * `refused`: the API server or a webhook says no. `pruned`: they would take it without the fields that they do not know, which `kubectl`
 * (strict by default) refuses, and other clients lose.
 */
export type Verdict = 'admitted' | 'pruned' | 'refused';

export interface GraphReport {
  readonly name: string;
  readonly apiVersion: string;
  readonly verdict: Verdict;
  readonly problems: readonly Diagnostic[];
}

export interface FileReport {
  readonly file: string;
  readonly graphs: readonly GraphReport[];
  /** Of the file as a whole: YAML that is none, documents beside the graphs. */
  readonly problems: readonly Diagnostic[];
}

/** What the webhooks or the API server have said already, in the words of the reconciler. */
const SAID: readonly string[] = ['NO_RUNTIME_VERSION', 'CHECKPOINT_DISABLED', 'API_VERSION_UNKNOWN', 'IMAGE_MISSING'];

/** Faults that keep the API server from looking at the rules (apiextensions-apiserver customresource/strategy.go hasBlockingErr). */
const BLOCKING: readonly string[] = [
  'MISSING_FIELD',
  'WRONG_TYPE',
  'NOT_IN_ENUM',
  'TOO_LONG',
  'TOO_MANY',
  'API_VERSION',
];

function isError({ severity }: Diagnostic): boolean {
  return severity === 'error';
}

function placeText({ at }: Diagnostic): string {
  return at === undefined ? '' : `${at.line}:${at.col}`;
}

/** What a later check of the API server has, when an earlier one has already refused: it comes with the next try. */
function postpone(problems: readonly Diagnostic[], refused: boolean): readonly Diagnostic[] {
  if (!refused) return problems;
  const hint = 'the cluster says it when the errors are mended';
  return problems.map((problem) => (isError(problem) ? { ...problem, severity: 'warning', hint } : problem));
}

function judge(
  { name, apiVersion, graph, fields, rules, local }: InspectedGraph,
  generation: OperatorGeneration,
): GraphReport {
  const unfit = fields.some((problem) => isError(problem) && problem.code !== 'UNKNOWN_FIELD');
  const blocked = fields.some((problem) => isError(problem) && BLOCKING.includes(problem.code));
  const admission = graph ? checkAdmission(graph, generation) : emptyAdmission(fields, generation);
  const reconciled = graph && !unfit ? resolveGraph(graph, { generation }).diagnostics : [];
  const holes = new Map(local.flatMap((hole) => (hole.at ? [[placeText(hole), hole]] : [])));
  const explained = fields.map((problem): Diagnostic => {
    const hint = holes.get(placeText(problem))?.hint;
    return hint === undefined ? problem : { ...problem, hint };
  });
  const places = new Set(fields.map(placeText));
  const problems = [
    ...explained,
    ...postpone(rules, blocked),
    ...postpone(admission, unfit || rules.some(isError)),
    ...reconciled.filter(({ code }) => !SAID.includes(code)),
    ...local.flatMap((problem): readonly Diagnostic[] => {
      if (places.has(placeText(problem))) return [];
      if (!isError(problem)) return [problem];
      const hint = `a cluster takes it, up does not${problem.hint ? `: ${problem.hint}` : ''}`;
      return [{ ...problem, severity: 'warning', hint }];
    }),
  ];
  const errors = problems.filter(isError);
  const verdict =
    errors.length === 0 ? 'admitted' : errors.every(({ code }) => code === 'UNKNOWN_FIELD') ? 'pruned' : 'refused';
  return { name, apiVersion, verdict, problems };
}

/** A graph without a spec has no component either, which the webhooks say. */
function emptyAdmission(fields: readonly Diagnostic[], generation: OperatorGeneration): readonly Diagnostic[] {
  const webhooks: Partial<Record<OperatorGeneration, Diagnostic>> = {
    '1.1': {
      severity: 'error',
      code: 'WEBHOOK',
      field: 'spec.services',
      message: 'spec.services must have at least one service',
    },
    '1.5': {
      severity: 'error',
      code: 'REQUIRED',
      field: 'spec.components',
      message: 'spec.components: Required value: must have at least one component',
    },
  };
  const missing = webhooks[generation];
  return missing && !fields.some(isError) ? [missing] : [];
}

/** In file order; what has no place comes first. */
function inOrder(problems: readonly Diagnostic[]): readonly Diagnostic[] {
  return problems.toSorted((a, b) => (a.at?.line ?? 0) - (b.at?.line ?? 0) || (a.at?.col ?? 0) - (b.at?.col ?? 0));
}

const NO_HEADER: Diagnostic = {
  severity: 'error',
  code: 'KIND_MISSING',
  message: 'a cluster takes no document without apiVersion and kind',
  hint: 'dynamo convert FILE writes the whole graph',
};

/** Everything that a cluster with an operator of this generation has against the graphs of a text. Never throws. */
export function validateText(file: string, text: string, generation: OperatorGeneration): FileReport {
  const parsed = parseDocuments(file, text);
  const syntax = explainTemplate(file, text, parsed.diagnostics);
  if (syntax.some(isError)) return { file, graphs: [], problems: syntax };
  const { graphs, diagnostics } = inspectGraphs(parsed.documents, generation);
  const start = { file, line: 1, col: 1 };
  const place = (problems: readonly Diagnostic[]): readonly Diagnostic[] =>
    inOrder(problems.map((problem) => ({ at: start, ...problem })));
  // A fragment is read as a graph with what was assumed of it; kubectl refuses it as it stands.
  const headless = diagnostics.some(({ code }) => code === 'ASSUMED') ? [NO_HEADER] : [];
  return {
    file,
    graphs: graphs.map((graph) => {
      const report = judge(graph, generation);
      const verdict = headless.length > 0 ? 'refused' : report.verdict;
      return { ...report, verdict, problems: place([...headless, ...report.problems]) };
    }),
    problems: place([...syntax, ...diagnostics]),
  };
}

/** The same of a file, or of stdin (`-`). Throws a UserError for a file that cannot be read. */
export async function validateFile(path: string, stdin: Readable, generation: OperatorGeneration): Promise<FileReport> {
  if (/\.(?:sh|bash)$/.test(path))
    throw new UserError('SCRIPT_GIVEN', `${path} is a launch script, and no cluster takes one`, {
      hint: `dynamo convert ${path} | dynamo validate -`,
    });
  const { file, text } = await readSource(path, stdin);
  return validateText(file, text, generation);
}
