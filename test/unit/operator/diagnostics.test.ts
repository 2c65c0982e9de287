import { expect, test } from 'vitest';
import { hasVersionTag } from '../../../src/operator/graph-diagnostics.ts';
import { alphaText, codes, onlyComponent, resolveText } from './resolve-text.ts';

test('several nodes are refused by a cluster without Grove and still resolve to one pod', () => {
  const text = alphaText('      componentType: worker\n      multinode: {}\n');
  for (const generation of ['0.4', '0.6', '1.1', '1.5'] as const) {
    const graph = resolveText(text, generation);
    const found = graph.diagnostics.find((diagnostic) => diagnostic.code === 'NO_MULTINODE_ORCHESTRATOR');
    expect(found).toMatchObject({ severity: 'warning', at: { line: 9 } });
    expect(onlyComponent(graph).nodeCount).toBe(2);
  }
});

test('1.5 notes an image whose tag tells no version, once per component', () => {
  const text = alphaText('      extraPodSpec: { mainContainer: { image: "a/b:my-tag" } }\n');
  const [found] = resolveText(text, '1.5').diagnostics;
  expect(found).toMatchObject({ severity: 'notice', code: 'NO_RUNTIME_VERSION', at: { line: 8 } });
  expect(codes(resolveText(text, '1.1'))).toEqual([]);
  const overridden = alphaText(
    '      runtimeVersionOverride: 1.2.3\n      extraPodSpec: { mainContainer: { image: a } }\n',
  );
  expect(codes(resolveText(overridden, '1.5'))).toEqual([]);
});

test.each([
  ['nvcr.io/a/b:1.2.3', true],
  ['b:v1.2.3-rc.1', true],
  ['b:1.2.3@sha256:0', true],
  ['localhost:5000/b', false],
  ['b:1.0', false],
  ['b:01.0.0', false],
  ['b:latest', false],
])('the tag of %s is a version: %s', (image, expected) => {
  expect(hasVersionTag(image)).toBe(expected);
});

test('an API version that the operator does not know is an error', () => {
  const text = 'apiVersion: nvidia.com/v1beta1\nkind: DynamoGraphDeployment\nmetadata: { name: g }\nspec: {}\n';
  const graph = resolveText(text, '1.1');
  expect(graph.diagnostics).toMatchObject([{ severity: 'error', code: 'API_VERSION_UNKNOWN' }]);
  expect(graph.components).toEqual([]);
});

test('0.4 wants a framework for every worker, and one namespace for all', () => {
  const text = `apiVersion: nvidia.com/v1alpha1
kind: DynamoGraphDeployment
metadata: { name: g }
spec:
  services:
    A: { componentType: worker, dynamoNamespace: a, extraPodSpec: { mainContainer: { image: i, args: [python3 x.py] } } }
    B: { componentType: frontend, dynamoNamespace: b, extraPodSpec: { mainContainer: { image: i } } }
`;
  expect(codes(resolveText(text, '0.4'))).toEqual(['NAMESPACE_MISMATCH', 'BACKEND_FRAMEWORK']);
  expect(codes(resolveText(text, '1.1'))).toEqual([]);
});

test('a command and backendFramework that differ are a mismatch', () => {
  const text = alphaText(
    '      componentType: worker\n      extraPodSpec: { mainContainer: { image: i:1.0.0, command: [python3, -m, dynamo.vllm] } }\n',
    '  backendFramework: sglang\n',
  );
  for (const generation of ['0.4', '1.1', '1.5'] as const) {
    expect(codes(resolveText(text, generation))).toEqual(['BACKEND_FRAMEWORK']);
  }
});

test('claims that nobody makes are said; those to be made are documents', () => {
  const text = alphaText(
    '      extraPodSpec: { mainContainer: { image: i:1.0.0 } }\n',
    '  pvcs: [{ name: a }, { name: b, create: true, size: 1Gi, storageClass: fast, volumeAccessMode: ReadWriteOnce }]\n',
  );
  const graph = resolveText(text, '1.5');
  expect(codes(graph)).toEqual(['CLAIM_NOT_CREATED']);
  expect(graph.claims).toHaveLength(1);
});

/** What reconciling says of a graph that the webhook admits (facts/operator.md §6.2, §10.6). */
test.each([
  ['{pvcName: c}', '', 'compilationCache.mountPath is required for backend framework sglang (no default available)'],
  [
    '{pvcName: c, mountPath: /c}',
    '{name: d, mountPath: /c}',
    'compilationCache.mountPath "/c" is already used by volume "d"',
  ],
  [
    '{pvcName: c, mountPath: /c}',
    '{name: c, mountPath: /c, readOnly: true}',
    'compilation cache volume "c" at "/c" must be writable',
  ],
])('a compilation cache %s beside the mount %s is said: %s', (cache, mount, message) => {
  const text = `apiVersion: nvidia.com/v1beta1
kind: DynamoGraphDeployment
metadata: { name: g }
spec:
  backendFramework: sglang
  components:
    - name: a
      type: worker
      compilationCache: ${cache}
      podTemplate: { spec: { containers: [{ name: main, image: "x:1.0.0", volumeMounts: [${mount}] }] } }
`;
  const said = resolveText(text, '1.5').diagnostics.filter(({ code }) => code === 'COMPILATION_CACHE');
  expect(said.map((one) => one.message)).toEqual([message]);
});
