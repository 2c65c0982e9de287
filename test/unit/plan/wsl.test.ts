import { expect, test } from 'vitest';
import { betaText, containerIn, envIn, layOut } from './lay-out.ts';

const WORKER =
  '{name: w, type: worker, podTemplate: {spec: {containers: [{name: main, image: "x:1.0.0", command: [python3, -m, dynamo.vllm], resources: {limits: {"nvidia.com/gpu": "2"}}}]}}}';
const PLAIN = '{name: plain, podTemplate: {spec: {containers: [{name: main, image: "x:1.0.0"}]}}}';
const gpus = new Map([['w-0', ['GPU-a', 'GPU-b']]]);
const engine = { cpus: 8, memoryBytes: 2 ** 35, reach: 'published', raisesLimits: true, filtersGpus: false } as const;

test('where the driver shows every GPU to every container, CUDA is told which are meant, and that is said', () => {
  const built = layOut(betaText(WORKER, PLAIN), '1.5', { engine, gpus });
  expect(envIn(containerIn(built, 'w')).CUDA_VISIBLE_DEVICES).toBe('GPU-a,GPU-b');
  expect(envIn(containerIn(built, 'plain')).CUDA_VISIBLE_DEVICES).toBeUndefined();
  expect(built.diagnostics.map(({ code }) => code)).toContain('WSL_GPUS');
});

test('elsewhere devices count from 0 inside, and nothing is set', () => {
  const built = layOut(betaText(WORKER, PLAIN), '1.5', { gpus });
  expect(envIn(containerIn(built, 'w')).CUDA_VISIBLE_DEVICES).toBeUndefined();
  expect(built.diagnostics.map(({ code }) => code)).not.toContain('WSL_GPUS');
});
