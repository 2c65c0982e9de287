import type { Readable } from 'node:stream';
import { type Diagnostic, throwOnErrors, UserError } from '../model/diagnostic.ts';
import type { Companions, Graph } from '../model/graph.ts';
import type { OperatorGeneration } from '../model/origin.ts';
import { parseDocuments, type SourceDocument } from '../source/parse-documents.ts';
import { readSource } from '../source/read-source.ts';
import { decodeGraph } from './decode-graph.ts';
import { explainTemplate } from './explain-template.ts';
import { pruneUnknown } from './prune-unknown.ts';
import { readCompanions } from './read-companions.ts';
import { readObjects } from './read-objects.ts';

export interface LoadGraphOptions {
  /** A path, or `-` for stdin. */
  readonly file: string;
  readonly generation: OperatorGeneration;
  /** Which graph of the file. */
  readonly name?: string;
  /** What another generation accepts is an error too. */
  readonly strict?: boolean;
  /** What a cluster would refuse, or one machine cannot run, is a warning as long as there is a graph: to render it. */
  readonly lenient?: boolean;
  /** More files with Secrets, ConfigMaps and claims; they win over those of `file`. */
  readonly companionFiles?: readonly string[];
}

export interface LoadedGraph {
  readonly graph: Graph;
  /** Warnings and notices. */
  readonly diagnostics: readonly Diagnostic[];
}

interface ReadFile {
  readonly documents: readonly SourceDocument[];
  readonly diagnostics: readonly Diagnostic[];
}

async function readFile(path: string, stdin: Readable, signal: AbortSignal | undefined): Promise<ReadFile> {
  const { file, text } = await readSource(path, stdin, signal);
  const { documents, diagnostics } = parseDocuments(file, text);
  return { documents, diagnostics: explainTemplate(file, text, diagnostics) };
}

function addCompanions(own: Companions, more: Companions): Companions {
  return {
    secrets: new Map([...own.secrets, ...more.secrets]),
    configMaps: new Map([...own.configMaps, ...more.configMaps]),
    claims: new Map([...own.claims, ...more.claims]),
  };
}

/**
 * Reads and decodes a file. Throws one UserError (exit 2) that carries every problem of the input; what is returned are warnings and
 * notices. A file that is not well-formed is not looked into.
 */
export async function loadGraph(
  options: LoadGraphOptions,
  stdin: Readable,
  signal?: AbortSignal,
): Promise<LoadedGraph> {
  const [main, ...others] = await Promise.all(
    [options.file, ...(options.companionFiles ?? [])].map((path) => readFile(path, stdin, signal)),
  );
  const syntax = [main, ...others].flatMap((read) => read?.diagnostics ?? []);
  throwOnErrors(syntax);
  const { generation, name, strict = false, lenient = false } = options;
  const { graph, diagnostics } = decodeGraph(main?.documents ?? [], { generation, name, strict });
  const objects = readObjects(others.flatMap(({ documents }) => documents));
  const beside = readCompanions(objects.objects);
  const start = { file: options.file === '-' ? '<stdin>' : options.file, line: 1, col: 1 };
  const all = [...syntax, ...diagnostics, ...objects.diagnostics, ...beside.diagnostics].map((diagnostic) => ({
    at: start,
    ...diagnostic,
  }));
  if (!lenient || !graph) throwOnErrors(all);
  if (!graph) throw new UserError('NOT_A_GRAPH', 'the input holds no graph');
  const whole = { ...graph, companions: addCompanions(graph.companions, beside.companions) };
  return lenient
    ? { graph: pruneUnknown(whole, all), diagnostics: all.map(asWarning) }
    : { graph: whole, diagnostics: all };
}

function asWarning(diagnostic: Diagnostic): Diagnostic {
  return diagnostic.severity === 'error' ? { ...diagnostic, severity: 'warning' } : diagnostic;
}
