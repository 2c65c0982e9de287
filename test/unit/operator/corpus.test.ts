import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
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

interface GoldenComponent {
  readonly deployment?: { readonly name: string; readonly replicas: number; readonly template: unknown };
  readonly services?: readonly unknown[];
}
interface Golden {
  readonly documentIndex: number;
  readonly components?: Readonly<Record<string, GoldenComponent>>;
}

function readGoldens(folder: string, path: string): readonly Golden[] {
  // The goldens are ours to describe: one YAML document per graph, in this shape.
  return [...parseAllDocuments(readCorpusFile('golden', folder, path), { uniqueKeys: false })].map(
    (document) => document.toJS() as Golden,
  );
}

describe.skipIf(!hasCorpus)('pods, Deployments and Services are those of the real operator', () => {
  for (const [folder, generation, deployments] of VERSIONS) {
    test(`operator ${generation}`, () => {
      let compared = 0;
      for (const path of listCorpusFiles(folder)) {
        const graphs = readGraphs(readCorpusFile(folder, path), path);
        for (const golden of readGoldens(folder, path)) {
          const graph = graphs.get(golden.documentIndex);
          if (!graph || !golden.components) continue;
          // The goldens were made in the namespace `default`, whatever the file names.
          const resolved = resolveGraph({ ...graph, namespace: undefined }, { generation });
          expect(resolved.components.map((component) => component.name).toSorted(), path).toEqual(
            Object.keys(golden.components).toSorted(),
          );
          for (const component of resolved.components) {
            const where = `${folder}/${path} ${component.name}`;
            const expected = golden.components[component.name];
            if (!expected?.deployment) {
              expect(
                resolved.diagnostics.map((diagnostic) => diagnostic.code),
                where,
              ).toContain(NOT_RECONCILED[where]);
              continue;
            }
            const actual = {
              name: component.deploymentName,
              replicas: component.replicas,
              template: toJson(component.podTemplate),
            };
            if (UNEQUAL[where] === undefined) expect.soft(actual, where).toEqual(expected.deployment);
            else expect.soft(actual, UNEQUAL[where]).not.toEqual(expected.deployment);
            expect.soft(component.services.map(toJson), where).toEqual(expected.services ?? []);
            compared += 1;
          }
        }
      }
      expect(compared).toBe(deployments);
    });
  }
});
