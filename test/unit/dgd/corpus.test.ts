import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { CEL_RULES } from '../../../src/dgd/check-cel-rules.ts';
import { checkFields, generationsOf } from '../../../src/dgd/check-fields.ts';
import { decodeGraph } from '../../../src/dgd/decode-graph.ts';
import { pruneMap } from '../../../src/dgd/prune-nulls.ts';
import { GRAPH_KIND, readObjects } from '../../../src/dgd/read-objects.ts';
import { type Diagnostic, formatDiagnostic } from '../../../src/model/diagnostic.ts';
import type { OperatorGeneration } from '../../../src/model/origin.ts';
import { parseDocuments, type SourceDocument } from '../../../src/source/parse-documents.ts';

const CORPUS = new URL('../../../../shared/corpus/', import.meta.url);
const VERSIONS: readonly (readonly [folder: string, generation: OperatorGeneration])[] = [
  ['v0.4.1', '0.4'],
  ['v0.6.1', '0.6'],
  ['v1.1.0-dev', '1.1'],
  ['v1.5.0-dev', '1.5'],
];

const RULES: ReadonlySet<string> = new Set(CEL_RULES.map(({ code }) => code));

/** Real faults of the real files, as `FILE CODES`, and why each is one. */
const FAULTS: Readonly<Record<string, string>> = {
  // The kubebuilder sample: `spec:` with a comment behind it.
  'v0.4.1/deploy/cloud/operator/config/samples/nvidia.com_v1alpha1_dynamographdeployment.yaml': 'SPEC_EMPTY',
  'v0.6.1/deploy/cloud/operator/config/samples/nvidia.com_v1alpha1_dynamographdeployment.yaml': 'SPEC_EMPTY',
  'v1.5.0-dev/deploy/operator/config/samples/nvidia.com_v1alpha1_dynamographdeployment.yaml': 'SPEC_EMPTY',
  // `workingDir` is indented into an item of volumeMounts.
  'v0.6.1/recipes/qwen3-32b-fp8/trtllm/disagg/deploy.yaml': 'UNKNOWN_FIELD',
  // envsubst templates: `${MODEL_A}` and the like are whole arguments.
  'v1.1.0-dev/examples/global_planner/global-planner-gpu-budget.yaml': 'TEMPLATE_HOLE',
  'v1.1.0-dev/examples/global_planner/global-planner-mocker-test.yaml': 'TEMPLATE_HOLE',
  'v1.1.0-dev/examples/global_planner/global-planner-vllm-test.yaml': 'TEMPLATE_HOLE',
  // `nodeSelector: ${HW_NODE_SELECTOR}`, `tolerations: ${HW_TOLERATIONS}`.
  'v1.5.0-dev/recipes/qwen3.6-35b/deploy/dynamo-fd-ec.yaml': 'TEMPLATE_HOLE',
  'v1.5.0-dev/recipes/kustomize/components/aks-ib/patch-dgd.yaml': 'KUSTOMIZE_PATCH',
};

function filesOf(folder: string): string[] {
  return readdirSync(new URL(`${folder}/`, CORPUS), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.yaml'))
    .toSorted();
}

function namesOf(documents: readonly SourceDocument[]): string[] {
  return readObjects(documents)
    .objects.filter(({ kind }) => kind === GRAPH_KIND)
    .map(({ name }) => name);
}

/** What the cluster says at create, one per graph; the pods below it are long and not looked at. */
function goldensOf(folder: string, path: string): readonly Golden[] {
  const text = readFileSync(new URL(`golden/${folder}/${path}`, CORPUS), 'utf8');
  return text
    .split(/^---$/m)
    .map((document) => parse(document.split(/^components:/m)[0] ?? ''))
    .filter((document) => document !== null);
}

interface Golden {
  readonly name: string;
  readonly apiVersion: string;
  readonly validation: { readonly unknownFields?: readonly string[]; readonly schemaErrors?: readonly string[] };
}

function errorsOf(diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics.filter(({ severity }) => severity === 'error').map(formatDiagnostic);
}

describe.skipIf(!existsSync(CORPUS))('real files', () => {
  test.each(VERSIONS)('of %s decode without a false error, whatever generation is assumed', (folder, generation) => {
    const found: Record<string, string> = {};
    for (const path of filesOf(folder)) {
      const text = readFileSync(new URL(`${folder}/${path}`, CORPUS), 'utf8');
      const { documents, diagnostics } = parseDocuments(path, text);
      expect(errorsOf(diagnostics)).toEqual([]);
      for (const name of namesOf(documents)) {
        for (const assumed of generationsOf(folder === 'v1.5.0-dev' && /v1beta1/.test(text) ? 'v1beta1' : 'v1alpha1')) {
          const decoded = decodeGraph(documents, { generation: assumed, strict: false, name });
          // No real file breaks a rule of its own CRD (facts/deployment-yaml.md §7).
          if (assumed === generation) expect(decoded.diagnostics.filter(({ code }) => RULES.has(code))).toEqual([]);
          const codes = decoded.diagnostics.flatMap(({ severity, code }) => (severity === 'error' ? [code] : []));
          if (codes.length > 0) found[`${folder}/${path}`] = [...new Set(codes)].join(' ');
          else expect(decoded.graph?.name).toBe(name);
        }
      }
    }
    const expected = Object.fromEntries(Object.entries(FAULTS).filter(([path]) => path.startsWith(folder)));
    expect(found).toEqual(expected);
  });

  test.each(VERSIONS)('of %s have the unknown fields and types that the cluster reports', (folder, generation) => {
    for (const path of filesOf(folder)) {
      const text = readFileSync(new URL(`${folder}/${path}`, CORPUS), 'utf8');
      const graphs = readObjects(parseDocuments(path, text).documents).objects.filter(
        ({ kind }) => kind === GRAPH_KIND,
      );
      const goldens = goldensOf(folder, path);
      expect([path, goldens.length]).toEqual([path, graphs.length]);
      for (const { name, apiVersion: written, validation } of goldens) {
        const graph = graphs.find((one) => one.name === name);
        const apiVersion = written === 'nvidia.com/v1beta1' ? 'v1beta1' : 'v1alpha1';
        expect(generationsOf(apiVersion)).toContain(generation);
        if (!graph) throw new Error(`${path}: no graph ${name}`);
        const found = checkFields(pruneMap(graph.root), { apiVersion, generation, strict: true });
        const unknown = found.flatMap(({ code, message }) => (code === 'UNKNOWN_FIELD' ? [message.split('"')[1]] : []));
        expect([path, unknown.toSorted()]).toEqual([path, validation.unknownFields ?? []]);
        const others = found.flatMap(({ code, message }) => (code === 'UNKNOWN_FIELD' ? [] : [message.split(': ')[0]]));
        const errors = validation.schemaErrors ?? [];
        expect([path, others.toSorted()]).toEqual([path, errors.map((text) => text.split(': ')[0]).toSorted()]);
      }
    }
  });
});
