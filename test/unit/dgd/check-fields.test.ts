import { describe, expect, test } from 'vitest';
import { generationsOf } from '../../../src/dgd/check-fields.ts';
import { alpha, beta, decode, problemsOf } from './decode.ts';

/** Message and hint of the only diagnostic. */
function only(text: string, options: Parameters<typeof decode>[1] = {}): { message: string; hint: string | undefined } {
  const { diagnostics } = decode(text, options);
  expect(diagnostics).toHaveLength(1);
  return { message: diagnostics[0]?.message ?? '', hint: diagnostics[0]?.hint };
}

describe('unknown fields', () => {
  test('are errors at the key, with what was probably meant', () => {
    const text = alpha('replica: 2');
    expect(problemsOf(text)).toEqual(['error UNKNOWN_FIELD 8:7']);
    expect(only(text)).toEqual({
      message: 'unknown field "spec.services.decode.replica"',
      hint: 'did you mean "replicas"?',
    });
  });

  test.each([
    ['misspelt in a container', beta('worknigDir: /x'), 'did you mean "workingDir"?'],
    ['of the document', `${beta()}\nsepc: {}`, 'did you mean "spec"?'],
    ['of metadata', beta().replace('name: g', 'name: g, lables: {a: b}'), 'did you mean "labels"?'],
    [
      'of the other API version',
      beta().replace('type: worker', 'type: worker\n      componentType: worker'),
      'v1beta1 has type',
    ],
    ['of spec in the other API version', `${beta()}\n  envs: []`, 'v1beta1 has env'],
    ['of the main container', alpha('image: x:1.0.0'), 'it belongs to extraPodSpec.mainContainer'],
    [
      'that are indented too far',
      beta('volumeMounts:', '  - name: a', '    mountPath: /a', '    workingDir: /x'),
      'it is a field of spec.components[0].podTemplate.spec.containers[0]: is it indented too far?',
    ],
    ['that resemble nothing', alpha('zzzzzzzz: 1'), undefined],
  ])('%s are explained', (_, text, hint) => {
    expect(only(text).hint).toBe(hint);
  });

  test('are free where the CRD leaves them free', () => {
    expect(problemsOf(alpha('annotations: {a: b}', 'extraPodSpec: {nodeSelector: {a: b}}'))).toEqual([]);
    expect(problemsOf(`${beta()}\nstatus: {whatever: 1}`)).toEqual([]);
  });

  test('of an empty object are found: scalingAdapter of v1beta1 has none', () => {
    const text = beta().replace('type: worker', 'type: worker\n      scalingAdapter: {enabled: true}');
    expect(problemsOf(text)).toEqual(['error UNKNOWN_FIELD 8:24']);
  });
});

describe('generations', () => {
  test('v1beta1 came with 1.5', () => {
    expect(generationsOf('v1alpha1')).toEqual(['0.4', '0.6', '1.1', '1.5']);
    expect(generationsOf('v1beta1')).toEqual(['1.5']);
  });

  test('what another generation knows is a warning that names it', () => {
    const text = alpha('pvc: {name: a, mountPoint: /a}');
    expect(problemsOf(text)).toEqual(['warning UNKNOWN_FIELD 8:7']);
    expect(only(text).hint).toBe('operator 0.4 knows it, 1.5 does not: --operator-version chooses');
    expect(problemsOf(text, { generation: '0.4' })).toEqual([]);
  });

  test('strict, it is an error of the chosen one', () => {
    expect(problemsOf(alpha('pvc: {name: a}'), { strict: true })).toEqual(['error UNKNOWN_FIELD 8:7']);
    expect(problemsOf(alpha('minAvailable: 1'), { strict: true, generation: '0.4' })).toEqual([
      'error UNKNOWN_FIELD 8:7',
    ]);
    expect(problemsOf(alpha('minAvailable: 1'), { generation: '0.4' })).toEqual(['warning UNKNOWN_FIELD 8:7']);
  });

  test('a generation that does not know the object does not excuse its fields', () => {
    // 0.4 has no gpuMemoryService at all, so it says nothing of what is in it.
    const text = alpha('gpuMemoryService: {enabled: true, zzzzzzzz: 1}');
    expect(problemsOf(text)).toEqual(['error UNKNOWN_FIELD 8:41']);
  });
});

describe('values', () => {
  test.each([
    [
      'WRONG_TYPE',
      alpha('replicas: two'),
      'spec.services.decode.replicas: Invalid value: "string": must be of type integer',
    ],
    [
      'WRONG_TYPE',
      alpha('replicas: 1.5'),
      'spec.services.decode.replicas: Invalid value: "number": must be of type integer',
    ],
    [
      'WRONG_TYPE',
      alpha('resources: {limits: {gpu: 1}}'),
      'spec.services.decode.resources.limits.gpu: Invalid value: "integer": must be of type string',
    ],
    [
      'WRONG_TYPE',
      beta('args: --model x'),
      'spec.components[0].podTemplate.spec.containers[0].args: Invalid value: "string": must be of type array',
    ],
    [
      'WRONG_TYPE',
      beta('env: [{name: A, value: 1}]'),
      'spec.components[0].podTemplate.spec.containers[0].env[0].value: Invalid value: "integer": must be of type string',
    ],
    [
      'WRONG_TYPE',
      beta('resources: {limits: {cpu: 0.5}}'),
      'spec.components[0].podTemplate.spec.containers[0].resources.limits.cpu: Invalid value: "number": must be of type integer or string',
    ],
    [
      'OUT_OF_RANGE',
      alpha('replicas: -1'),
      'spec.services.decode.replicas: Invalid value: -1: should be greater than or equal to 0',
    ],
    [
      'OUT_OF_RANGE',
      alpha('replicas: 3000000000'),
      'spec.services.decode.replicas: Invalid value: 3000000000: must be of type int32',
    ],
    [
      'OUT_OF_RANGE',
      alpha('multinode: {nodeCount: 1}'),
      'spec.services.decode.multinode.nodeCount: Invalid value: 1: should be greater than or equal to 2',
    ],
    [
      'NOT_IN_ENUM',
      `${beta()}\n  backendFramework: vlm`,
      'spec.backendFramework: Unsupported value: "vlm": supported values: "sglang", "vllm", "trtllm"',
    ],
    [
      'PATTERN',
      beta().replace('name: decode', 'name: a_b'),
      'spec.components[0].name: Invalid value: "a_b": should match \'^[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?$\'',
    ],
    [
      'TOO_LONG',
      beta().replace('name: decode', `name: ${'a'.repeat(64)}`),
      'spec.components[0].name: Too long: may not be more than 63 bytes',
    ],
    [
      'DUPLICATE_ITEM',
      beta('env: [{name: A, value: "1"}, {name: A, value: "2"}]'),
      'spec.components[0].podTemplate.spec.containers[0].env[1]: Duplicate value: {"name":"A"}',
    ],
    [
      'DUPLICATE_ITEM',
      beta('ports: [{containerPort: 1}, {containerPort: 1, protocol: TCP}]'),
      'spec.components[0].podTemplate.spec.containers[0].ports[1]: Duplicate value: {"containerPort":"1","protocol":"TCP"}',
    ],
    [
      'MISSING_FIELD',
      beta('env: [{value: "1"}]'),
      'spec.components[0].podTemplate.spec.containers[0].env[0].name: Required value',
    ],
  ])('%s is said in the words of the API server (%#)', (code, text, message) => {
    const { diagnostics } = decode(text);
    expect(diagnostics.map((diagnostic) => [diagnostic.severity, diagnostic.code, diagnostic.message])).toEqual([
      ['error', code, message],
    ]);
  });

  test('a quantity is a number or a text of its form', () => {
    expect(problemsOf(beta('resources: {limits: {cpu: 2, memory: 8Gi}}'))).toEqual([]);
    expect(problemsOf(beta('resources: {limits: {memory: 8GB}}'))).toEqual(['error PATTERN 13:44']);
  });

  test('ports with different protocols are two', () => {
    expect(problemsOf(beta('ports: [{containerPort: 1}, {containerPort: 1, protocol: UDP}]'))).toEqual([]);
  });

  test('nulls count as not written, as for the API server', () => {
    expect(problemsOf(alpha('replicas: null', 'subComponentType:', 'extraPodSpec: {containers: null}'))).toEqual([]);
  });

  test('what is quoted and should not be is hinted at', () => {
    expect(only(alpha('replicas: "2"')).hint).toBe('write it without quotes');
    expect(only(alpha('replicas: two')).hint).toBe(undefined);
    expect(only(beta('env: [{name: A, value: 1}]')).hint).toBe('put it in quotes');
  });

  test('all problems come at once, in file order', () => {
    expect(problemsOf(alpha('replicas: two', 'zzzzzzzz: 1', 'envs: {}', 'resources: {limits: {gpu: 1}}'))).toEqual([
      'error WRONG_TYPE 8:17',
      'error UNKNOWN_FIELD 9:7',
      'error WRONG_TYPE 10:13',
      'error WRONG_TYPE 11:33',
    ]);
  });
});

test('more components than the CRD allows are too many', () => {
  const services = Array.from({ length: 26 }, (_, index) => `    c${index}: {componentType: worker}`).join('\n');
  const text = `apiVersion: nvidia.com/v1alpha1\nkind: DynamoGraphDeployment\nmetadata: {name: g}\nspec:\n  services:\n${services}`;
  expect(problemsOf(text, { strict: true })).toEqual(['error TOO_MANY 6:5']);
  expect(problemsOf(text)).toEqual(['warning TOO_MANY 6:5']);
});
