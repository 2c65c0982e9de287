import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  type Node as YamlNode,
} from 'yaml';
import { type ApiVersion, type Graph, NO_COMPANIONS } from '../../../src/model/graph.ts';
import { list, type MapNode, map, mapAt, type Node, scalar, stringAt } from '../../../src/model/node.ts';
import type { Origin } from '../../../src/model/origin.ts';

/** The real files that this machine may have beside the checkout. */
const CORPUS = join(import.meta.dirname, '../../../../shared/corpus');
export const hasCorpus = existsSync(CORPUS);

interface Source {
  readonly file: string;
  readonly document: Document;
  readonly lines: LineCounter;
}

function toNode(source: Source, yaml: unknown): Node {
  const node = isAlias(yaml) ? yaml.resolve(source.document) : yaml;
  const origin = originOf(source, node);
  if (isMap(node)) {
    return map(
      node.items.map((pair) => [String(isScalar(pair.key) ? pair.key.value : pair.key), toNode(source, pair.value)]),
      origin,
    );
  }
  if (isSeq(node))
    return list(
      node.items.map((item) => toNode(source, item)),
      origin,
    );
  const value = isScalar(node) ? node.value : null;
  const plain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
  return scalar(plain, origin);
}

function originOf({ file, lines }: Source, node: unknown): Origin {
  const offset = (isMap(node) || isSeq(node) || isScalar(node)) && node.range ? node.range[0] : 0;
  const { line, col } = lines.linePos(offset);
  return { kind: 'file', at: { file, line, col } };
}

function apiVersionOf(text: string | undefined): ApiVersion {
  return text === 'nvidia.com/v1beta1' ? text : 'nvidia.com/v1alpha1';
}

function toGraph(document: MapNode): Graph {
  const spec = mapAt(document, 'spec') ?? map([], document.origin);
  const services = [...(mapAt(spec, 'services')?.fields ?? [])].flatMap(([name, written]) =>
    written.kind === 'map' ? [{ name, written, origin: written.origin }] : [],
  );
  const components = spec.fields.get('components');
  const listed = (components?.kind === 'list' ? components.items : []).flatMap((written) =>
    written.kind === 'map' ? [{ name: stringAt(written, 'name') ?? '', written, origin: written.origin }] : [],
  );
  const metadata = mapAt(document, 'metadata') ?? map([], document.origin);
  return {
    apiVersion: apiVersionOf(stringAt(document, 'apiVersion')),
    name: stringAt(metadata, 'name') ?? '',
    namespace: stringAt(metadata, 'namespace'),
    metadata,
    spec,
    components: [...services, ...listed],
    companions: NO_COMPANIONS,
    origin: document.origin,
  };
}

/** The graphs of a YAML text by the index of their document, every value with its position. */
export function readGraphs(text: string, file: string): ReadonlyMap<number, Graph> {
  const lines = new LineCounter();
  const graphs = new Map<number, Graph>();
  const documents = parseAllDocuments(text, { lineCounter: lines });
  for (const [index, document] of [...documents].entries()) {
    const contents: YamlNode | null = document.contents;
    if (!contents) continue;
    const node = toNode({ file, document, lines }, contents);
    if (node.kind === 'map' && stringAt(node, 'kind') === 'DynamoGraphDeployment') graphs.set(index, toGraph(node));
  }
  return graphs;
}

/** One graph from a text of a test. */
export function readGraph(text: string): Graph {
  const [graph] = readGraphs(text, 'graph.yaml').values();
  if (!graph) throw new Error('no DynamoGraphDeployment in the text');
  return graph;
}

/** All YAML files below a folder of the corpus, relative to it. */
export function listCorpusFiles(version: string): readonly string[] {
  return readdirSync(join(CORPUS, version), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.ya?ml$/.test(path))
    .toSorted();
}

export function readCorpusFile(...path: readonly string[]): string {
  return readFileSync(join(CORPUS, ...path), 'utf8');
}
