import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  type Node as YamlNode,
} from 'yaml';
import type { Diagnostic } from '../model/diagnostic.ts';
import { list, type MapNode, map, type Node, type Scalar, scalar } from '../model/node.ts';
import type { Origin, SourcePosition } from '../model/origin.ts';

/** One YAML document that holds something. */
export interface SourceDocument {
  readonly root: Node;
  readonly at: SourcePosition;
}

interface Reader {
  readonly file: string;
  readonly lines: LineCounter;
  readonly document: Document.Parsed;
  readonly diagnostics: Diagnostic[];
  readonly expanding: Set<YamlNode>;
}

function positionAt(reader: Pick<Reader, 'file' | 'lines'>, offset: number): SourcePosition {
  const { line, col } = reader.lines.linePos(offset);
  return { file: reader.file, line: Math.max(1, line), col: Math.max(1, col) };
}

function originOf(reader: Reader, node: YamlNode | null | undefined): Origin {
  return { kind: 'file', at: positionAt(reader, node?.range?.[0] ?? 0) };
}

function readScalar(value: unknown): Scalar {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  return null;
}

function readMap(reader: Reader, node: YamlNode & { readonly items: readonly unknown[] }): MapNode {
  const fields: [string, Node][] = [];
  const keys = new Map<string, Origin>();
  for (const pair of node.items) {
    if (!isPair(pair)) continue;
    const key = isScalar(pair.key) ? String(pair.key.value) : undefined;
    const keyNode = isScalar(pair.key) ? pair.key : undefined;
    if (key === undefined) {
      reader.diagnostics.push({
        severity: 'error',
        code: 'YAML_KEY',
        message: 'a key must be plain text',
        at: positionAt(reader, node.range?.[0] ?? 0),
      });
      continue;
    }
    const keyOrigin = originOf(reader, keyNode);
    keys.set(key, keyOrigin);
    fields.push([key, readNode(reader, asNode(pair.value), keyOrigin)]);
  }
  return { ...map(fields, originOf(reader, node)), keys };
}

function asNode(value: unknown): YamlNode | undefined {
  return isMap(value) || isSeq(value) || isScalar(value) || isAlias(value) ? value : undefined;
}

/** `fallback` places a value that is not written: `replicas:` with nothing behind it. */
function readNode(reader: Reader, node: YamlNode | undefined, fallback: Origin): Node {
  if (node === undefined) return scalar(null, fallback);
  if (isAlias(node)) {
    const target = node.resolve(reader.document);
    if (!target || reader.expanding.has(target)) return scalar(null, originOf(reader, node));
    reader.expanding.add(target);
    const read = readNode(reader, target, fallback);
    reader.expanding.delete(target);
    return read;
  }
  const origin = node.range ? originOf(reader, node) : fallback;
  if (isMap(node)) return readMap(reader, node);
  if (isSeq(node))
    return list(
      node.items.map((item) => readNode(reader, asNode(item), origin)),
      origin,
    );
  if (isScalar(node))
    return scalar(readScalar(node.value), node.range && node.range[0] === node.range[1] ? fallback : origin);
  return scalar(null, origin);
}

/**
 * The documents of a YAML text with the position of every value. Never throws: syntax errors and duplicate keys come as diagnostics,
 * all of them; documents of comments alone are left out.
 */
export function parseDocuments(
  file: string,
  text: string,
): { readonly documents: readonly SourceDocument[]; readonly diagnostics: readonly Diagnostic[] } {
  const lines = new LineCounter();
  const diagnostics: Diagnostic[] = [];
  const documents: SourceDocument[] = [];
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true, merge: false });
  for (const document of 'empty' in parsed ? [] : parsed) {
    const reader: Reader = { file, lines, document, diagnostics, expanding: new Set() };
    for (const problem of document.errors) {
      diagnostics.push({
        severity: 'error',
        code: problem.code === 'DUPLICATE_KEY' ? 'DUPLICATE_KEY' : 'YAML_SYNTAX',
        message: problem.message.split('\n')[0] ?? problem.code,
        at: positionAt(reader, problem.pos[0]),
        ...(text.slice(0, problem.pos[0]).includes('\t') && problem.code === 'TAB_AS_INDENT'
          ? { hint: 'indent with blanks' }
          : {}),
      });
    }
    if (document.errors.length > 0 || document.contents === null) continue;
    const root = readNode(reader, document.contents, { kind: 'file', at: { file, line: 1, col: 1 } });
    if (root.kind === 'scalar' && root.value === null) continue;
    documents.push({ root, at: root.origin.kind === 'file' ? root.origin.at : { file, line: 1, col: 1 } });
  }
  return { documents, diagnostics };
}
