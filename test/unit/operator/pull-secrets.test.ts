import { expect, test } from 'vitest';
import { NO_COMPANIONS } from '../../../src/model/graph.ts';
import { fromJson, itemsAt, stringAt } from '../../../src/model/node.ts';
import type { OperatorGeneration } from '../../../src/model/origin.ts';
import type { ResolvedGraph } from '../../../src/model/resolved-graph.ts';
import { resolveGraph } from '../../../src/operator/resolve-graph.ts';
import { readGraph } from './read-corpus.ts';
import { alphaText, codes, onlyComponent } from './resolve-text.ts';

const OPT_OUT = '{nvidia.com/disable-image-pull-secret-discovery: "true"}';

/** A resolved graph beside pull secrets of these names for one registry. */
function resolve(text: string, generation: OperatorGeneration, host: string, names = ['a']): ResolvedGraph {
  const config = Buffer.from(JSON.stringify({ auths: { [host]: {} } })).toString('base64');
  const written = fromJson(
    { type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': config } },
    { kind: 'flag', flag: '--secret' },
  );
  if (written.kind !== 'map') throw new Error('no map');
  const secrets = new Map(names.map((name) => [name, written]));
  return resolveGraph({ ...readGraph(text), companions: { ...NO_COMPANIONS, secrets } }, { generation });
}

function pullSecrets(graph: ResolvedGraph): readonly (string | undefined)[] {
  return itemsAt(onlyComponent(graph).podTemplate, 'spec', 'imagePullSecrets').map((item) => stringAt(item, 'name'));
}

function beta(image: string, more = ''): string {
  return `apiVersion: nvidia.com/v1beta1
kind: DynamoGraphDeployment
metadata: {name: g}
spec:
  components:
    - name: a
      podTemplate:
        ${more}
        spec:
          imagePullSecrets: [{name: own}]
          containers: [{name: main, image: "${image}"}]
`;
}

test.each([
  ['nvcr.io/nvidia/x:1', 'nvcr.io', true],
  ['nvcr.io/nvidia/x:1', 'https://nvcr.io/v2/', true],
  ['nvcr.io/nvidia/x:1', 'other.io', false],
  ['localhost:5000/x', 'localhost:5000', true],
  ['localhost:5000/x', 'localhost', false],
  ['a.azurecr.io/x', '*.azurecr.io', false],
  ['team/x', 'https://index.docker.io/v1/', false],
  ['nginx:1.27', 'nginx:1.27', false],
])('the operator gives the pod of %s the secret for %s: %s', (image, host, expected) => {
  expect(pullSecrets(resolve(beta(image), '1.5', host, ['b', 'a']))).toEqual(expected ? ['own', 'a', 'b'] : ['own']);
});

test('an annotation of the pod leaves the list of the file alone', () => {
  const graph = resolve(beta('nvcr.io/x', `metadata: {annotations: ${OPT_OUT}}`), '1.5', 'nvcr.io');
  expect(pullSecrets(graph)).toEqual(['own']);
  expect(onlyComponent(graph).discoversPullSecrets).toBe(false);
});

test.each([
  ['0.4', ['a'], []],
  ['1.1', [], []],
  ['1.5', ['a'], ['PULL_SECRET_OPT_OUT']],
] as const)('the annotation of a v1alpha1 service under operator %s leaves %s', (generation, expected, said) => {
  const service = `      annotations: ${OPT_OUT}\n      extraPodSpec: {mainContainer: {image: "nvcr.io/x:1.0.0"}}\n`;
  const graph = resolve(alphaText(service), generation, 'nvcr.io');
  expect(pullSecrets(graph)).toEqual(expected);
  expect(codes(graph)).toEqual(said);
});
