import { expect, test } from 'vitest';
import { checkGpuProducts } from '../../../src/plan/gpu-product.ts';
import { betaText, layOut } from './lay-out.ts';

const H100 = {
  index: 0,
  uuid: 'GPU-0',
  name: 'NVIDIA H100 80GB HBM3',
  memoryTotalBytes: 81559 * 2 ** 20,
  memoryFreeBytes: 81000 * 2 ** 20,
  processes: [],
};

function said(placement: string, gpus = 1) {
  const text = betaText(
    `{name: w, type: worker, podTemplate: {spec: {${placement} containers: [{name: main, image: "x:1.0.0", command: [python3, -m, dynamo.vllm], resources: {limits: {"nvidia.com/gpu": "${gpus}"}}}]}}}`,
  );
  return checkGpuProducts(layOut(text).resolved, [H100]).map(({ code, message, at }) => [code, message, at?.line]);
}

const terms = (...expressions: readonly string[]) =>
  `affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [${expressions.map((one) => `{matchExpressions: [${one}]}`).join(', ')}]}}},`;
const product = (operator: string, ...values: readonly string[]) =>
  `{key: nvidia.com/gpu.product, operator: ${operator}, values: [${values.join(', ')}]}`;

test('another model than the machine has is a warning with its place', () => {
  expect(said('nodeSelector: {nvidia.com/gpu.product: NVIDIA-B200},')).toEqual([
    [
      'GPU_PRODUCT',
      'w asks for nvidia.com/gpu.product In NVIDIA-B200; this machine has NVIDIA H100 80GB HBM3: the model may not fit',
      expect.any(Number),
    ],
  ]);
  expect(said(terms(product('In', 'NVIDIA-H200', 'NVIDIA-B200')))).toHaveLength(1);
  expect(said(terms(product('NotIn', 'NVIDIA-H100-80GB-HBM3')))).toHaveLength(1);
  expect(said(terms('{key: nvidia.com/gpu.memory, operator: Gt, values: ["100000"]}'))).toHaveLength(1);
  // What stands together must all be so.
  const both = 'nodeSelector: {nvidia.com/gpu.product: NVIDIA-H100-80GB-HBM3, nvidia.com/gpu.memory: "141000"},';
  expect(said(both)).toHaveLength(1);
  const gt = '{key: nvidia.com/gpu.memory, operator: Gt, values: ["100000"]}';
  expect(said(terms(`${product('In', 'NVIDIA-H100-80GB-HBM3')}, ${gt}`))).toHaveLength(1);
});

test.each([
  ['the same model', 'nodeSelector: {nvidia.com/gpu.product: NVIDIA-H100-80GB-HBM3},'],
  ['the same model, shared', 'nodeSelector: {nvidia.com/gpu.product: NVIDIA-H100-80GB-HBM3-SHARED},'],
  ['one of several', terms(product('In', 'NVIDIA-B200', 'NVIDIA-H100-80GB-HBM3'))],
  ['one of two alternatives', terms(product('In', 'NVIDIA-B200'), product('In', 'NVIDIA-H100-80GB-HBM3'))],
  ['enough memory', terms('{key: nvidia.com/gpu.memory, operator: Gt, values: ["40000"]}')],
  ['something else', 'nodeSelector: {disk: ssd},'],
  ['nothing', ''],
])('%s is no word', (_, placement) => {
  expect(said(placement)).toEqual([]);
});

test('a component without GPUs may stand anywhere', () => {
  expect(said('nodeSelector: {nvidia.com/gpu.product: NVIDIA-B200},', 0)).toEqual([]);
});
