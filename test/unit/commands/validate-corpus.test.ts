import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { type GraphReport, validateText } from '../../../src/commands/validate-file.ts';
import type { Severity } from '../../../src/model/diagnostic.ts';
import type { OperatorGeneration } from '../../../src/model/origin.ts';
import { hasCorpus, listCorpusFiles, readCorpusFile } from '../operator/read-corpus.ts';

/** With the number of graphs that the goldens of each version hold. */
const VERSIONS: readonly (readonly [folder: string, generation: OperatorGeneration, graphs: number])[] = [
  ['v0.4.1', '0.4', 17],
  ['v0.6.1', '0.6', 48],
  ['v1.1.0-dev', '1.1', 96],
  ['v1.5.0-dev', '1.5', 74],
];

interface Golden {
  readonly name: string;
  readonly validation: {
    readonly admitted: boolean;
    readonly errors?: readonly string[];
    readonly schemaErrors?: readonly string[];
    readonly unknownFields?: readonly string[];
    readonly warnings?: readonly string[];
  };
}

function readGoldens(folder: string, path: string): readonly Golden[] {
  // Ours to describe: one document per graph, in this shape. The pods below are long and not looked at.
  return readCorpusFile('golden', folder, path)
    .split(/^---$/m)
    .flatMap((text) => [...parseAllDocuments(text.split(/^components:/m)[0] ?? '')])
    .flatMap((document) => (document.contents ? [document.toJS() as Golden] : []));
}

function fieldsOf({ problems }: GraphReport, severity: Severity, wanted: (code: string) => boolean): string[] {
  return problems
    .flatMap((problem) => (problem.severity === severity && wanted(problem.code) ? [problem.field ?? '?'] : []))
    .toSorted();
}

function messagesOf({ problems }: GraphReport, severity: Severity, codes: readonly string[]): string[] {
  return problems
    .flatMap(({ severity: own, code, message }) => (own === severity && codes.includes(code) ? [message] : []))
    .toSorted();
}

const WEBHOOK = ['REQUIRED', 'INVALID_VALUE', 'FORBIDDEN', 'NOT_IN_ENUM', 'DUPLICATE_ITEM', 'WEBHOOK'];

/** What the cluster says of one graph, against what `validate` says of it. */
function compare(where: string, report: GraphReport, { validation }: Golden): void {
  const { admitted, errors = [], schemaErrors = [], unknownFields = [], warnings = [] } = validation;
  expect.soft(report.verdict !== 'refused', where).toBe(admitted);
  expect.soft(report.verdict === 'pruned', where).toBe(admitted && unknownFields.length > 0);
  const unknown = fieldsOf(report, 'error', (code) => code === 'UNKNOWN_FIELD');
  expect.soft(unknown, where).toEqual(unknownFields.toSorted());
  expect.soft(messagesOf(report, 'warning', ['DEPRECATED']), where).toEqual(warnings.toSorted());
  if (schemaErrors.length > 0) {
    // The golden's own error is the first that Go's decoder meets; the schema's are all of them.
    const fields = fieldsOf(report, 'error', (code) => code !== 'UNKNOWN_FIELD');
    expect.soft(fields, where).toEqual(schemaErrors.map((text) => text.split(': ')[0]).toSorted());
    return;
  }
  expect.soft(messagesOf(report, 'error', WEBHOOK), where).toEqual(errors.toSorted());
  expect
    .soft(
      fieldsOf(report, 'error', (code) => code !== 'UNKNOWN_FIELD'),
      where,
    )
    .toHaveLength(errors.length);
}

describe.skipIf(!hasCorpus)('validate gives the verdict and the messages of the real cluster', () => {
  for (const [folder, generation, graphs] of VERSIONS) {
    test(`operator ${generation}, for every file`, { timeout: 60_000 }, () => {
      let compared = 0;
      for (const path of listCorpusFiles(folder)) {
        const report = validateText(path, readCorpusFile(folder, path), generation);
        const goldens = readGoldens(folder, path);
        expect
          .soft(
            report.graphs.map(({ name }) => name),
            path,
          )
          .toEqual(goldens.map(({ name }) => name));
        for (const [index, golden] of goldens.entries()) {
          const graph = report.graphs[index];
          if (graph) compare(`${path} ${golden.name}`, graph, golden);
          compared += 1;
        }
      }
      expect(compared).toBe(graphs);
    });
  }
});
