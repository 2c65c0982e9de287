import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import type { Graph } from '../../../src/model/graph.ts';
import { toJson } from '../../../src/model/node.ts';
import type { OperatorGeneration } from '../../../src/model/origin.ts';
import { resolveGraph } from '../../../src/operator/resolve-graph.ts';
import { hasCorpus, listCorpusFiles, readCorpusFile, readGraphs } from './read-corpus.ts';

/** With the number of components that their goldens hold a Deployment for. */
const VERSIONS: readonly (readonly [folder: string, generation: OperatorGeneration, deployments: number])[] = [
  ['v0.4.1', '0.4', 39],
  ['v0.6.1', '0.6', 116],
  ['v1.1.0-dev', '1.1', 228],
  ['v1.5.0-dev', '1.5', 169],
];

/** Components that the cluster makes nothing of, with the diagnostic that says why. */
const NOT_RECONCILED: Readonly<Record<string, string>> = {
  'v0.4.1/examples/runtime/hello_world/deploy/hello_world.yaml HelloWorldWorker': 'BACKEND_FRAMEWORK',
  'v0.4.1/components/backends/sglang/deploy/disagg_planner.yaml Planner': 'CLAIM_NOT_CREATED',
  'v0.4.1/components/backends/vllm/deploy/disagg_planner.yaml Planner': 'CLAIM_NOT_CREATED',
};

/** What cannot be equal, and why. */
const UNEQUAL: Readonly<Record<string, string>> = {
  'v0.6.1/recipes/qwen3-32b-fp8/trtllm/disagg/deploy.yaml TrtllmDecodeWorker':
    'a workingDir within a volume mount: the API server prunes unknown fields, reading a file reports them as errors',
};

/** Graphs that no operator makes pods of, with the diagnostic for it: several nodes, no components, broken namespaces. */
const REFUSED = ['NO_MULTINODE_ORCHESTRATOR', 'NAMESPACE_MISMATCH', 'CHECKPOINT_DISABLED'];

interface GoldenComponent {
  readonly deployment?: { readonly name: string; readonly replicas: number; readonly template: unknown };
  readonly services?: readonly unknown[];
  readonly resourceClaimTemplates?: readonly unknown[];
}
interface Golden {
  readonly documentIndex: number;
  readonly components?: Readonly<Record<string, GoldenComponent>>;
  readonly shared?: readonly unknown[];
}
interface Case {
  readonly path: string;
  readonly graph: Graph;
  readonly golden: Golden;
}

function readCases(folder: string): readonly Case[] {
  return listCorpusFiles(folder).flatMap((path) => {
    const graphs = readGraphs(readCorpusFile(folder, path), path);
    const documents = [...parseAllDocuments(readCorpusFile('golden', folder, path), { uniqueKeys: false })];
    return documents.flatMap((document) => {
      // The goldens are ours to describe: one YAML document per graph, in this shape.
      const golden = document.toJS() as Golden;
      const graph = graphs.get(golden.documentIndex);
      return graph ? [{ path: `${folder}/${path}`, graph, golden }] : [];
    });
  });
}

/** The configuration within a ConfigMap as what it says: its text may be written in any way that YAML allows. */
function readPickerConfig(document: unknown): unknown {
  return JSON.parse(JSON.stringify(document), (key, value) => (key.endsWith('.yaml') ? parse(value) : value));
}

/** The number of components compared. */
function compare({ path, graph, golden }: Case, generation: OperatorGeneration): number {
  // The goldens were made in the namespace `default`, whatever the file names.
  const resolved = resolveGraph({ ...graph, namespace: undefined }, { generation });
  const codes = resolved.diagnostics.map((diagnostic) => diagnostic.code);
  if (!golden.components) {
    // A sample without components, and a template whose holes no schema admits.
    const empty = resolved.components.length === 0 || path.includes('dynamo-fd');
    if (!empty)
      expect
        .soft(
          REFUSED.some((code) => codes.includes(code)),
          path,
        )
        .toBe(true);
    return 0;
  }
  const names = resolved.components.map((component) => component.name).toSorted();
  expect(names, path).toEqual(Object.keys(golden.components).toSorted());
  // 1.1 makes claim templates per component, 1.5 for the graph: here they stand beside one another.
  const templates = Object.values(golden.components).flatMap((component) => component.resourceClaimTemplates ?? []);
  const shared = [...templates, ...(golden.shared ?? [])].map(readPickerConfig);
  expect.soft(resolved.shared.map(toJson).map(readPickerConfig), path).toEqual(shared);
  let compared = 0;
  for (const component of resolved.components) {
    const where = `${path} ${component.name}`;
    const expected = golden.components[component.name];
    if (!expected?.deployment) {
      expect.soft(codes, where).toContain(NOT_RECONCILED[where]);
      continue;
    }
    const { deploymentName: name, replicas, podTemplate } = component;
    const actual = { name, replicas, template: toJson(podTemplate) };
    if (UNEQUAL[where] === undefined) expect.soft(actual, where).toEqual(expected.deployment);
    else expect.soft(actual, UNEQUAL[where]).not.toEqual(expected.deployment);
    expect.soft(component.services.map(toJson), where).toEqual(expected.services ?? []);
    compared += 1;
  }
  return compared;
}

describe.skipIf(!hasCorpus)('pods, Deployments and Services are those of the real operator', () => {
  for (const [folder, generation, deployments] of VERSIONS) {
    test(`operator ${generation} makes the same of every file`, { timeout: 60_000 }, () => {
      const compared = readCases(folder).map((item) => compare(item, generation));
      expect(compared.reduce((sum, count) => sum + count, 0)).toBe(deployments);
    });
  }
});
