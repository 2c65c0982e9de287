import { type Command, Option } from 'commander';
import { EXIT, formatDiagnostic, UserError } from '../model/diagnostic.ts';
import type { OperatorGeneration } from '../model/origin.ts';
import { type Io, print, printJson } from './io.ts';
import { operatorGeneration } from './operator-generation.ts';
import type { FileReport, GraphReport } from './validate-file.ts';

interface ValidateFlags {
  readonly operatorVersion?: string;
  readonly format: string;
}

/** `dynamo validate`: what a cluster would say of the graphs of some files; needs neither a cluster nor Docker. */
export function registerValidate(program: Command, io: Io, setExitCode: (code: number) => void): void {
  program
    .command('validate')
    .description('say what a cluster would refuse, all problems at once')
    .argument('<files...>', 'YAML files, or - for stdin')
    .option('--operator-version <version>', 'operator generation to ask: 0.4, 0.6, 1.1 or 1.5')
    .addOption(new Option('--format <format>').choices(['text', 'json']).default('text'))
    .action(async (files: readonly string[], flags: ValidateFlags) => {
      const generation = operatorGeneration(flags.operatorVersion);
      const { validateFile } = await import('./validate-file.ts');
      const reports: FileReport[] = [];
      for (const file of files) reports.push(await readReport(() => validateFile(file, io.stdin, generation), file));
      if (flags.format === 'json') printJson(io, { operatorVersion: generation, files: reports });
      else print(io, reports.map((report) => formatReport(report, generation)).join('\n'));
      if (reports.some(isRefused)) setExitCode(EXIT.usage);
    });
}

/** A file that cannot be read is one of the results: the others are looked at all the same. */
async function readReport(read: () => Promise<FileReport>, file: string): Promise<FileReport> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { code, message, hint } = error;
    return { file, graphs: [], problems: [{ severity: 'error', code, message, ...(hint ? { hint } : {}) }] };
  }
}

function isRefused({ graphs, problems }: FileReport): boolean {
  return graphs.some(({ verdict }) => verdict !== 'admitted') || problems.some(({ severity }) => severity === 'error');
}

function sayVerdict({ name, verdict, problems }: GraphReport, file: string, generation: OperatorGeneration): string {
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const counted = errors === 1 ? '1 error' : `${errors} errors`;
  switch (verdict) {
    case 'admitted':
      return `${file}: ${name} is admitted by operator ${generation}`;
    case 'pruned':
      return `${file}: ${name} is refused by kubectl (${counted}); other clients lose the unknown fields`;
    case 'refused':
      return `${file}: ${name} is refused by operator ${generation} (${counted})`;
  }
}

/** Problems in file order, then one line for each graph. */
function formatReport({ file, graphs, problems }: FileReport, generation: OperatorGeneration): string {
  return [
    ...problems.map(formatDiagnostic),
    ...graphs.flatMap((graph) => [...graph.problems.map(formatDiagnostic), sayVerdict(graph, file, generation)]),
  ].join('\n');
}
