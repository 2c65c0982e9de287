import { type Document, LineCounter, parseAllDocuments, type YAMLError } from 'yaml';
import type { Diagnostic, Severity } from '../model/diagnostic.ts';
import type { Node } from '../model/node.ts';
import type { SourcePosition } from '../model/origin.ts';
import { readYamlNode } from './read-yaml-node.ts';

/** One YAML document that holds something. */
export interface SourceDocument {
  readonly root: Node;
  readonly at: SourcePosition;
}

export interface ParsedDocuments {
  readonly documents: readonly SourceDocument[];
  readonly diagnostics: readonly Diagnostic[];
}

type PositionAt = (offset: number) => SourcePosition;

/** What is mostly behind an error whose own text says it in a parser's words. */
const HINTS: Readonly<Partial<Record<YAMLError['code'], string>>> = {
  TAB_AS_INDENT: 'indent with spaces',
  BAD_INDENT: 'indent the lines of one list or map alike',
  BLOCK_AS_IMPLICIT_KEY: 'put a value that holds ": " in quotes',
  BAD_SCALAR_START: 'put a value that begins with @, ` or % in quotes',
  MULTILINE_IMPLICIT_KEY: 'is a ":" missing, or a quote not closed?',
  DUPLICATE_KEY: 'keep one of them: only the last would count',
};

/** As much of a key as a message shows. */
const MAX_KEY_LENGTH = 80;

function describeProblem(problem: YAMLError, text: string, severity: Severity, positionAt: PositionAt): Diagnostic {
  const [start] = problem.pos;
  const hint = HINTS[problem.code];
  const key = /^[^:\n]+/.exec(text.slice(start, start + MAX_KEY_LENGTH))?.[0].trim();
  return {
    severity,
    code:
      problem.code === 'DUPLICATE_KEY'
        ? 'DUPLICATE_KEY'
        : problem.code === 'TAG_RESOLVE_FAILED'
          ? 'YAML_TAG'
          : 'YAML_SYNTAX',
    message:
      problem.code === 'DUPLICATE_KEY' && key
        ? `"${key}" stands twice in one map`
        : (problem.message.split('\n')[0] ?? ''),
    at: positionAt(start),
    ...(hint ? { hint } : {}),
  };
}

/** The parser reports the consequences of an error too: the first of a line says it all. */
function keepFirstOfLine(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const lines = new Set<number | undefined>();
  return diagnostics.filter(({ at }) => !lines.has(at?.line) && lines.add(at?.line));
}

function tooDeep(file: string): ParsedDocuments {
  const at = { file, line: 1, col: 1 };
  return {
    documents: [],
    diagnostics: [{ severity: 'error', code: 'YAML_TOO_DEEP', message: 'too deeply nested', at }],
  };
}

function parseText(text: string, lines: LineCounter): readonly Document.Parsed[] | undefined {
  try {
    const parsed = parseAllDocuments(text, {
      lineCounter: lines,
      prettyErrors: false,
      uniqueKeys: true,
      resolveKnownTags: false,
    });
    return 'empty' in parsed ? [] : parsed;
  } catch (error) {
    // The parser is recursive: text of some thousand open brackets ends its stack.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/**
 * The documents of a YAML 1.2 text (core schema) with the position of every value and key; aliases and `<<` merges are resolved.
 * Never throws: all syntax errors, duplicate keys and aliases without target come as diagnostics, with the documents that have none.
 * Documents of comments alone are left out.
 */
export function parseDocuments(file: string, text: string): ParsedDocuments {
  const lines = new LineCounter();
  const positionAt = (offset: number): SourcePosition => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), col: Math.max(1, col) };
  };
  const parsed = parseText(text, lines);
  if (!parsed) return tooDeep(file);
  const diagnostics: Diagnostic[] = [];
  const documents: SourceDocument[] = [];
  for (const { errors, warnings, contents } of parsed) {
    diagnostics.push(
      ...keepFirstOfLine(errors.map((problem) => describeProblem(problem, text, 'error', positionAt))),
      ...keepFirstOfLine(warnings.map((problem) => describeProblem(problem, text, 'warning', positionAt))),
    );
    if (errors.length > 0 || contents === null) continue;
    const root = readYamlNode(contents, positionAt, diagnostics);
    if (root.kind === 'scalar' && root.value === null) continue;
    documents.push({ root, at: positionAt(contents.range[0]) });
  }
  return { documents, diagnostics };
}
