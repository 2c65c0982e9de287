import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringAt, toJson } from '../../../src/model/node.ts';
import { alpha, beta, decode, problemsOf } from './decode.ts';

describe('a graph', () => {
  test('of v1alpha1 keeps its services in file order, each with the place of its key', () => {
    const { graph, diagnostics } = decode(
      alpha('replicas: 2', 'envs: null').replace('    decode:', '    zed: {componentType: frontend}\n    decode:'),
    );
    expect(diagnostics).toEqual([]);
    expect(graph).toMatchObject({ apiVersion: 'nvidia.com/v1alpha1', name: 'g', namespace: undefined });
    expect(graph?.components.map(({ name, origin }) => [name, origin.kind === 'file' ? origin.at.line : 0])).toEqual([
      ['zed', 6],
      ['decode', 7],
    ]);
    expect(graph?.components.map(({ written }) => toJson(written))).toEqual([
      { componentType: 'frontend' },
      { componentType: 'worker', replicas: 2 },
    ]);
  });

  test('of v1beta1 keeps its components and its namespace', () => {
    const { graph, diagnostics } = decode(beta().replace('name: g', 'name: g, namespace: ns'));
    expect(diagnostics).toEqual([]);
    expect(graph).toMatchObject({ apiVersion: 'nvidia.com/v1beta1', namespace: 'ns' });
    expect(graph?.components.map(({ name }) => name)).toEqual(['decode']);
  });

  test('may be an item of a List, as kubectl get writes it', () => {
    const item = beta().split('\n').join('\n  ');
    expect(decode(`apiVersion: v1\nkind: List\nitems:\n- ${item}`).graph?.name).toBe('g');
  });
});

describe('input that is no graph', () => {
  test.each([
    ['a list', '- a\n', 'NOT_A_GRAPH 1:1'],
    ['plain text', 'just words\n', 'NOT_A_GRAPH 1:1'],
    ['a map without kind', 'model: x\n', 'KIND_MISSING 1:1'],
    ['a compose file', 'services:\n  web: {image: x}\n', 'KIND_MISSING 1:1'],
    ['a kustomization without kind', 'resources: [a.yaml]\n', 'KIND_MISSING 1:1'],
    ['nothing but comments', '# nothing\n', 'NO_DOCUMENT undefined:undefined'],
    ['another kind', 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n', 'WRONG_KIND 2:7'],
    ['a misspelt kind', 'apiVersion: nvidia.com/v1beta1\nkind: DynamoGraphDeploymnt\n', 'WRONG_KIND 2:7'],
    ['an unknown API version', alpha().replace('v1alpha1', 'v1'), 'API_VERSION 1:13'],
    ['no API version', alpha().replace(/^.*\n/, ''), 'API_VERSION 1:1'],
    ['no name', beta().replace('{name: g}', '{}'), 'NAME_MISSING 3:11'],
    ['a bad name', beta().replace('name: g', 'name: My_Graph'), 'NAME_INVALID 3:18'],
    ['a bad namespace', beta().replace('name: g', 'name: g, namespace: A_B'), 'NAMESPACE_INVALID 3:32'],
    [
      'no spec',
      'apiVersion: nvidia.com/v1beta1\nkind: DynamoGraphDeployment\nmetadata: {name: g}\nspec:\n',
      'SPEC_EMPTY 1:1',
    ],
    [
      'no components',
      'apiVersion: nvidia.com/v1beta1\nkind: DynamoGraphDeployment\nmetadata: {name: g}\nspec: {components: []}\n',
      'NO_COMPONENTS 4:7',
    ],
  ])('%s has a refusal of its own', (_, text, problem) => {
    expect(problemsOf(text)).toEqual([`error ${problem}`]);
  });

  test.each([
    'DynamoGraphDeploymentRequest',
    'DynamoComponentDeployment',
    'Kustomization',
    'CustomResourceDefinition',
    'DynamoModel',
  ])('%s is refused with its reason', (kind) => {
    const { diagnostics } = decode(`apiVersion: x/v1\nkind: ${kind}\nmetadata: {name: a}\n`);
    expect(diagnostics).toMatchObject([{ severity: 'error', code: 'WRONG_KIND', at: { line: 2, col: 7 } }]);
    expect(diagnostics[0]?.message).toContain(kind);
    expect(diagnostics[0]?.hint).not.toBe(undefined);
  });

  test('an API version that the chosen operator does not serve is refused', () => {
    expect(problemsOf(beta(), { generation: '1.1' })).toEqual(['error API_VERSION 1:13']);
    expect(decode(beta(), { generation: '1.1' }).diagnostics[0]?.hint).toBe('use --operator-version 1.5');
  });

  test('services under v1beta1 are one problem, not two', () => {
    expect(problemsOf(alpha().replace('v1alpha1', 'v1beta1'))).toEqual(['error UNKNOWN_FIELD 5:3']);
  });

  test('a kustomize patch names neither type nor image nor command', () => {
    const patch = alpha('envs: [{name: A, value: b}]').replace('      componentType: worker\n', '');
    expect(problemsOf(patch)).toEqual(['error KUSTOMIZE_PATCH 6:5']);
    expect(problemsOf(alpha('replicas: 1'))).toEqual([]);
  });
});

describe('several graphs', () => {
  const text = [beta(), beta().replace('name: g', 'name: h')].join('\n---\n');

  test('are refused with all names', () => {
    const { graph, diagnostics } = decode(text);
    expect(graph).toBe(undefined);
    expect(diagnostics).toMatchObject([
      { code: 'SEVERAL_GRAPHS', message: 'the input holds 2 graphs: g, h', at: { line: 15, col: 7 } },
    ]);
  });

  test('are told apart by name', () => {
    expect(decode(text, { name: 'h' }).graph?.name).toBe('h');
    expect(problemsOf(text, { name: 'h' })).toEqual([]);
    expect(problemsOf(text, { name: 'hh' })).toEqual(['error NAME_UNKNOWN 2:7']);
  });

  test('of one name are refused in any case', () => {
    expect(problemsOf(`${beta()}\n---\n${beta()}`, { name: 'g' })).toEqual(['error SEVERAL_GRAPHS 15:7']);
  });
});

describe('documents beside the graph', () => {
  test('are kept by name when they hold data', () => {
    const text = [
      beta(),
      'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {A: YQ==}\nstringData: {B: b}',
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {k: |-\n    x\n  }',
      'apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: p}\nspec: {}',
    ].join('\n---\n');
    const { graph, diagnostics } = decode(text.replace('{k: |-\n    x\n  }', '\n  k: |-\n    x'));
    expect(diagnostics).toEqual([]);
    expect([...(graph?.companions.secrets.keys() ?? [])]).toEqual(['s']);
    expect(stringAt(graph?.companions.configMaps.get('c'), 'data', 'k')).toBe('x');
    expect([...(graph?.companions.claims.keys() ?? [])]).toEqual(['p']);
  });

  test('are noticed one by one when they are left out', () => {
    const others = ['Service', 'Job', 'Whatever'].map((kind) => `apiVersion: v1\nkind: ${kind}\nmetadata: {name: x}`);
    expect(problemsOf([...others, beta()].join('\n---\n'))).toEqual([
      'notice IGNORED_DOCUMENT 1:1',
      'notice IGNORED_DOCUMENT 5:1',
      'notice IGNORED_DOCUMENT 9:1',
    ]);
  });

  test('are refused where the API server would, and secrets are not shown', () => {
    const secret = 'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {A: hunter2!}\nstringData: {B: 4711}';
    const { diagnostics } = decode(`${secret}\n---\n${beta()}`);
    expect(diagnostics.map(({ code, at }) => `${code} ${at?.line}:${at?.col}`)).toEqual([
      'NOT_BASE64 4:11',
      'WRONG_TYPE 5:17',
    ]);
    expect(JSON.stringify(diagnostics)).not.toMatch(/hunter2|4711/);
    expect(problemsOf(`apiVersion: v1\nkind: ConfigMap\ndata: {a: 1}\n---\n${beta()}`)).toEqual([
      'error NAME_MISSING 1:1',
      'error WRONG_TYPE 3:11',
    ]);
  });
});

test('any JSON value in any place of a graph is decoded or refused with a position, never thrown at', () => {
  const fields = fc.constantFrom(
    'apiVersion',
    'kind',
    'metadata',
    'spec',
    'services',
    'decode',
    'extraPodSpec',
    'mainContainer',
    'replicas',
    'args',
    'env',
    'envs',
    'name',
  );
  const { tree } = fc.letrec((tie) => ({
    leaf: fc.oneof(fc.constant(null), fc.integer(), fc.boolean(), fc.string(), fc.constantFrom('worker', '${X}', 'x')),
    tree: fc.oneof(
      { maxDepth: 4 },
      tie('leaf'),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(fields, tie('tree'), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(tree, tree, fc.constantFrom('v1alpha1', 'v1beta1'), (spec, metadata, version) => {
      const document = { apiVersion: `nvidia.com/${version}`, kind: 'DynamoGraphDeployment', metadata, spec };
      const { graph, diagnostics } = decode(JSON.stringify(document));
      const errors = diagnostics.filter(({ severity }) => severity === 'error');
      if (!graph) expect(errors.length).toBeGreaterThan(0);
      for (const { at } of errors) expect(at?.line).toBe(1);
    }),
    { numRuns: 500 },
  );
});

test('bad names are refused in the words of the API server', () => {
  const messages = (name: string) => decode(beta().replace('name: g', name)).diagnostics.map(({ message }) => message);
  expect(messages('name: My_Graph')[0]).toBe(
    `metadata.name: Invalid value: "My_Graph": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`,
  );
  expect(messages(`name: ${'g'.repeat(254)}`)[0]).toMatch(/: must be no more than 253 characters$/);
  expect(messages('name: g, namespace: A_B')[0]).toContain('a lowercase RFC 1123 label must consist of');
});
