import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { graphDocuments } from '../../../src/convert/graph-documents.ts';
import { toScript } from '../../../src/convert/to-script.ts';
import { toV1alpha1 } from '../../../src/convert/to-v1alpha1.ts';
import { toV1beta1 } from '../../../src/convert/to-v1beta1.ts';
import { writeYaml } from '../../../src/convert/write-yaml.ts';
import { decodeGraph } from '../../../src/dgd/decode-graph.ts';
import { inspectGraphs } from '../../../src/dgd/inspect-graphs.ts';
import { formatDiagnostic } from '../../../src/model/diagnostic.ts';
import type { Graph } from '../../../src/model/graph.ts';
import { toJson } from '../../../src/model/node.ts';
import { resolveGraph } from '../../../src/operator/resolve-graph.ts';
import { parseDocuments } from '../../../src/source/parse-documents.ts';

const CORPUS = new URL('../../../../shared/corpus/', import.meta.url);
const FOLDERS = ['v0.4.1', 'v0.6.1', 'v1.1.0-dev', 'v1.5.0-dev'];

interface Case {
  readonly path: string;
  readonly graph: Graph;
}

/** The graphs that operator 1.5, which knows both API versions, finds no fault in. */
function readCases(apiVersion: Graph['apiVersion']): readonly Case[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(new URL(`${folder}/`, CORPUS), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.yaml'))
      .map((path) => `${folder}/${path}`)
      .toSorted(),
  ).flatMap((path) => {
    const { documents } = parseDocuments(path, readFileSync(new URL(path, CORPUS), 'utf8'));
    const { graphs } = inspectGraphs(documents, '1.5');
    return graphs.flatMap(({ graph, fields, rules, local }) => {
      const isSound = [...fields, ...rules, ...local].every(({ severity }) => severity !== 'error');
      return isSound && graph?.apiVersion === apiVersion ? [{ path, graph }] : [];
    });
  });
}

/** The text read again by the strict decoder; throws with its errors. */
function readBack(path: string, text: string): Graph {
  const { documents, diagnostics } = parseDocuments(path, text);
  const decoded = decodeGraph(documents, { generation: '1.5', strict: true });
  const errors = [...diagnostics, ...decoded.diagnostics].filter(({ severity }) => severity === 'error');
  if (!decoded.graph || errors.length > 0)
    throw new Error(`${path}:\n${errors.map(formatDiagnostic).join('\n')}\n${text}`);
  return decoded.graph;
}

/** Lists whose order has no meaning in a cluster are sorted, labels that name the conversion itself are dropped. */
function pods(graph: Graph, withoutNamespace = false): unknown {
  const { components, claims } = resolveGraph(graph, { generation: '1.5' });
  const json = components.map(({ name, type, replicas, nodeCount, podTemplate, services }) => ({
    name,
    type,
    replicas,
    nodeCount,
    pod: toJson(podTemplate),
    services: services.map(toJson),
  }));
  const names = new Set([
    ...graph.companions.claims.keys(),
    ...claims.map((claim) => String(Object(toJson(claim)).metadata?.name)),
  ]);
  const text = JSON.stringify({ json, claims: [...names].toSorted() });
  return sorted(JSON.parse(withoutNamespace ? text.replace(/"nvidia.com\/dynamo-namespace":"[^"]*",?/g, '') : text));
}

/** Containers keep their order; environments, mounts and volumes are found by name. */
function sorted(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => sorted(item));
    const byName = ['env', 'volumes', 'volumeMounts'].includes(key);
    return byName ? items.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : items;
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, item]) =>
      // `resources: {}` says nothing.
      name === 'resources' && JSON.stringify(item) === '{}' ? [] : [[name, sorted(item, name)]],
    ),
  );
}

describe.skipIf(!existsSync(CORPUS))('the real files', () => {
  test('are the same documents once written again', { timeout: 60_000 }, () => {
    for (const apiVersion of ['nvidia.com/v1alpha1', 'nvidia.com/v1beta1'] as const) {
      for (const { graph } of readCases(apiVersion)) {
        const documents = graphDocuments(graph);
        const text = writeYaml(documents);
        expect(parseAllDocuments(text).map((document) => document.toJS())).toEqual(documents.map(toJson));
        expect(writeYaml(documents)).toBe(text);
      }
    }
  });

  test('of v1beta1 are valid v1alpha1 whose pods are the same, and come back as they were', { timeout: 60_000 }, () => {
    const cases = readCases('nvidia.com/v1beta1');
    expect(cases.length).toBeGreaterThan(60);
    for (const { path, graph } of cases) {
      const alpha = toV1alpha1(graph);
      const read = readBack(path, writeYaml(graphDocuments(alpha.graph)));
      if (alpha.diagnostics.length === 0) expect([path, pods(read)]).toEqual([path, pods(graph)]);
      const again = toV1beta1(read);
      expect([path, again.diagnostics]).toEqual([path, []]);
      if (alpha.diagnostics.length === 0) {
        expect([path, sorted(toJson(again.graph.spec))]).toEqual([path, sorted(toJson(graph.spec))]);
      }
    }
  });

  test('of v1alpha1 are valid v1beta1 whose pods are the same', { timeout: 60_000 }, () => {
    const cases = readCases('nvidia.com/v1alpha1');
    expect(cases.length).toBeGreaterThan(100);
    const seen = new Set<string>();
    for (const { path, graph } of cases) {
      const beta = toV1beta1(graph);
      const read = readBack(path, writeYaml(graphDocuments(beta.graph)));
      const lost = [...new Set(beta.diagnostics.map(({ message }) => message.split(' ')[0]?.split('.').at(-1) ?? ''))];
      for (const field of lost) seen.add(field);
      if (lost.includes('componentType')) continue;
      const isNamed = lost.includes('dynamoNamespace');
      expect([path, pods(read, isNamed)]).toEqual([path, pods(graph, isNamed)]);
    }
    // All that real files have and v1beta1 has no words for.
    expect([...seen].toSorted()).toEqual(['componentType', 'dynamoNamespace']);
  });

  test('are scripts that bash reads and whose processes share no GPU', { timeout: 60_000 }, () => {
    for (const { path, graph } of [...readCases('nvidia.com/v1alpha1'), ...readCases('nvidia.com/v1beta1')]) {
      const { text } = toScript(toV1beta1(graph).graph);
      const { status, stderr } = spawnSync('bash', ['-n'], { input: text, encoding: 'utf8' });
      expect([path, status, stderr]).toEqual([path, 0, '']);
      const devices = [...text.matchAll(/^(?:\(cd \S+ && )?CUDA_VISIBLE_DEVICES=([\d,]+)/gm)].flatMap((match) =>
        (match[1] ?? '').split(','),
      );
      expect([path, new Set(devices).size]).toEqual([path, devices.length]);
    }
  });
});
