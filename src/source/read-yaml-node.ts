import { isAlias, isMap, isPair, isScalar, isSeq, type Node as YamlNode, type Scalar as YamlScalar } from 'yaml';
import type { Diagnostic } from '../model/diagnostic.ts';
import { list, type MapNode, type Node, type Scalar, scalar } from '../model/node.ts';
import type { Origin, SourcePosition } from '../model/origin.ts';

/** Deeper than any PodSpec (about 20), and shallow enough for every recursion behind this one. */
const MAX_DEPTH = 100;
/** Values after the expansion of aliases: a short text of aliases to aliases stands for billions. */
const MAX_VALUES = 200_000;

interface Reader {
  readonly positionAt: (offset: number) => SourcePosition;
  readonly diagnostics: Diagnostic[];
  /** What an anchor names: the last one above the alias. Undefined while it is being read. */
  readonly anchors: Map<string, { readonly node: Node; readonly values: number } | undefined>;
  values: number;
}

function report(reader: Reader, code: string, message: string, offset: number, more: Partial<Diagnostic> = {}): void {
  reader.diagnostics.push({ severity: 'error', code, message, at: reader.positionAt(offset), ...more });
}

function fileOrigin(reader: Reader, offset: number): Origin {
  return { kind: 'file', at: reader.positionAt(offset) };
}

function offsetOf(node: YamlNode): number {
  return node.range?.[0] ?? 0;
}

function asNode(value: unknown): YamlNode | undefined {
  return isMap(value) || isSeq(value) || isScalar(value) || isAlias(value) ? value : undefined;
}

/**
 * YAML 1.2, except where kubectl (sigs.k8s.io/yaml, YAML 1.1) reads another number: `0644` is octal, as in every `defaultMode`.
 * Words that 1.1 takes for booleans stay text, with a warning.
 */
function readScalar(reader: Reader, node: YamlScalar): Scalar {
  const { value, source = '' } = node;
  const offset = offsetOf(node);
  const plain = node.type === 'PLAIN' && node.tag === undefined;
  if (plain && typeof value === 'number' && /^[-+]?0[0-7]+$/.test(source)) return Number.parseInt(source, 8);
  if (typeof value === 'number' && !Number.isFinite(value)) {
    report(reader, 'YAML_NUMBER', `${source} has no place in a Kubernetes document`, offset);
    return null;
  }
  if (plain && typeof value === 'string' && /^(?:yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)$/.test(value)) {
    report(reader, 'YAML_BOOLEAN', `kubectl reads a plain ${value} as a boolean, and here it is text`, offset, {
      severity: 'warning',
      hint: `write "${value}", or true or false`,
    });
  }
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  return null;
}

function readAlias(reader: Reader, name: string, offset: number): Node {
  const target = reader.anchors.get(name);
  if (target) {
    reader.values += target.values;
    return target.node;
  }
  const message = reader.anchors.has(name)
    ? `the alias *${name} stands inside what it names`
    : `there is no anchor &${name} above this alias`;
  report(reader, 'YAML_ALIAS', message, offset);
  return scalar(null, fileOrigin(reader, offset));
}

/** `<<: *base` or `<<: [*a, *b]`: fields that the map does not have itself; the first map wins. */
function mergeInto(reader: Reader, fields: Map<string, Node>, keys: Map<string, Origin>, merged: Node): void {
  for (const source of merged.kind === 'list' ? merged.items : [merged]) {
    if (source.kind !== 'map') {
      const offset = source.origin.kind === 'file' ? { at: source.origin.at } : {};
      reader.diagnostics.push({ severity: 'error', code: 'YAML_MERGE', message: '<< takes maps only', ...offset });
      continue;
    }
    for (const [key, value] of source.fields) {
      if (fields.has(key)) continue;
      fields.set(key, value);
      keys.set(key, source.keys?.get(key) ?? value.origin);
    }
  }
}

function readMap(reader: Reader, items: readonly unknown[], origin: Origin, depth: number): MapNode {
  const fields = new Map<string, Node>();
  const keys = new Map<string, Origin>();
  const merges: Node[] = [];
  for (const pair of items) {
    if (!isPair(pair)) continue;
    const keyNode = asNode(pair.key);
    const offset = keyNode ? offsetOf(keyNode) : 0;
    if (!isScalar(keyNode) || keyNode.value === null) {
      report(reader, 'YAML_KEY', 'a key must be plain text', offset, keyNode ? {} : placeOf(origin));
      continue;
    }
    const key = String(keyNode.value);
    const keyOrigin = fileOrigin(reader, offset);
    const value = readNode(reader, asNode(pair.value), keyOrigin, depth);
    if (key === '<<' && keyNode.type === 'PLAIN') {
      merges.push(value);
      continue;
    }
    fields.set(key, value);
    keys.set(key, keyOrigin);
  }
  for (const merged of merges) mergeInto(reader, fields, keys, merged);
  return { kind: 'map', fields, keys, origin };
}

function placeOf(origin: Origin): Pick<Diagnostic, 'at'> {
  return origin.kind === 'file' ? { at: origin.at } : {};
}

/** `fallback` places a value that is not written: `replicas:` with nothing behind it. */
function readNode(reader: Reader, node: YamlNode | undefined, fallback: Origin, depth: number): Node {
  reader.values += 1;
  if (node === undefined) return scalar(null, fallback);
  const offset = offsetOf(node);
  if (reader.values > MAX_VALUES) return scalar(null, fallback);
  if (depth > MAX_DEPTH) {
    report(reader, 'YAML_TOO_DEEP', 'too deeply nested', offset);
    return scalar(null, fallback);
  }
  if (isAlias(node)) return readAlias(reader, node.source, offset);
  const anchor = node.anchor;
  const before = reader.values;
  if (anchor !== undefined) reader.anchors.set(anchor, undefined);
  const read = readValue(reader, node, fallback, depth);
  if (anchor !== undefined) reader.anchors.set(anchor, { node: read, values: reader.values - before });
  return read;
}

function readValue(reader: Reader, node: YamlNode, fallback: Origin, depth: number): Node {
  const origin = fileOrigin(reader, offsetOf(node));
  if (isMap(node)) return readMap(reader, node.items, origin, depth + 1);
  if (isSeq(node)) {
    const items = node.items.map((item) => readNode(reader, asNode(item), origin, depth + 1));
    return list(items, origin);
  }
  if (!isScalar(node)) return scalar(null, origin);
  const written = node.range !== undefined && node.range !== null && node.range[0] !== node.range[1];
  return scalar(readScalar(reader, node), written ? origin : fallback);
}

/** The tree of a YAML document without syntax errors; problems are added to `diagnostics`. An alias is the very node of its anchor. */
export function readYamlNode(
  root: YamlNode,
  positionAt: (offset: number) => SourcePosition,
  diagnostics: Diagnostic[],
): Node {
  const reader: Reader = { positionAt, diagnostics, anchors: new Map(), values: 0 };
  const node = readNode(reader, root, fileOrigin(reader, offsetOf(root)), 0);
  if (reader.values <= MAX_VALUES) return node;
  report(reader, 'YAML_TOO_LARGE', `holds more than ${MAX_VALUES} values, aliases expanded`, offsetOf(root));
  return scalar(null, node.origin);
}
