import type { Readable } from 'node:stream';
import { type Diagnostic, throwOnErrors } from '../model/diagnostic.ts';
import type { Graph } from '../model/graph.ts';
import type { OperatorGeneration } from '../model/origin.ts';
import { parseDocuments } from '../source/parse-documents.ts';
import { readSource } from '../source/read-source.ts';
import { decodeGraph, requireGraph } from './decode-graph.ts';

export interface LoadGraphOptions {
  /** A path, or `-` for stdin. */
  readonly file: string;
  readonly generation: OperatorGeneration;
  readonly name?: string;
}

/** Reads and decodes a file. Throws one UserError (exit 2) that carries every problem; what remains are warnings and notices. */
export async function loadGraph(
  options: LoadGraphOptions,
  stdin: Readable,
): Promise<{ readonly graph: Graph; readonly diagnostics: readonly Diagnostic[] }> {
  const { file, text } = await readSource(options.file, stdin);
  const parsed = parseDocuments(file, text);
  throwOnErrors(parsed.diagnostics);
  const decoded = decodeGraph(parsed.documents, { generation: options.generation, name: options.name, strict: false });
  const diagnostics = [...parsed.diagnostics, ...decoded.diagnostics];
  throwOnErrors(diagnostics);
  return { graph: requireGraph(decoded.graph), diagnostics };
}
