import { expect, test } from 'vitest';
import { withoutTestFlags } from '../../../src/convert/test-flags.ts';
import { stringsAt } from '../../../src/model/node.ts';
import { readGraph } from '../operator/read-corpus.ts';

function graphOf(...args: readonly string[]) {
  return readGraph(`apiVersion: nvidia.com/v1beta1
kind: DynamoGraphDeployment
metadata: {name: g}
spec:
  components:
    - name: W
      type: worker
      podTemplate:
        spec:
          containers:
            - name: main
              image: i
              command: [python3, -m, ${args[0]}]
              args: ${JSON.stringify(args.slice(1))}
`);
}

function argsOf(graph: ReturnType<typeof graphOf>): readonly string[] | undefined {
  return stringsAt(graph.components[0]?.written, 'podTemplate', 'spec', 'containers', 0, 'args');
}

test.each<readonly [string, readonly string[], readonly string[] | undefined]>([
  ['an eager engine', ['dynamo.vllm', '--model', 'm', '--enforce-eager'], ['--model', 'm']],
  [
    'caps of memory in bytes, and the utilization that goes with them',
    ['dynamo.vllm', '--kv-cache-memory-bytes', '942054000', '--gpu-memory-utilization', '0.01', '--model', 'm'],
    ['--model', 'm'],
  ],
  [
    'a utilization that is meant',
    ['dynamo.vllm', '--gpu-memory-utilization', '0.9'],
    ['--gpu-memory-utilization', '0.9'],
  ],
  ['a value behind =', ['dynamo.vllm', '--kv-cache-memory-bytes=1', '--model=m'], ['--model=m']],
  ['caps in tokens', ['dynamo.sglang', '--max-total-tokens', '1024', '--tp', '1'], ['--tp', '1']],
  ['graphs that are not captured', ['dynamo.sglang', '--disable-cuda-graph'], undefined],
  [
    'caps in the override of TensorRT-LLM, the rest of it kept',
    ['dynamo.trtllm', '--override-engine-args', '{"kv_cache_config": {"max_tokens": 9, "dtype": "fp8"}, "a": 1}'],
    ['--override-engine-args', '{"kv_cache_config":{"dtype":"fp8"},"a":1}'],
  ],
  [
    'an override that is only a cap',
    ['dynamo.trtllm', '--override-engine-args', '{"kv_cache_config": {"max_gpu_total_bytes": 9}}', '--model-path', 'm'],
    ['--model-path', 'm'],
  ],
  ['nothing of a program that is no engine', ['my.worker', '--enforce-eager'], ['--enforce-eager']],
])('%s', (_, args, expected) => {
  const graph = graphOf(...args);
  const { graph: changed, diagnostics } = withoutTestFlags(graph);
  expect(argsOf(changed)).toEqual(expected);
  const isSame = JSON.stringify(expected) === JSON.stringify(args.slice(1));
  expect(diagnostics.length > 0).toBe(!isSame);
  expect(diagnostics.every(({ code, at }) => code === 'TEST_FLAG' && at?.line === 14)).toBe(true);
});

test('flags that stay are pointed out', () => {
  const graph = graphOf('dynamo.vllm', '--enforce-eager');
  const { graph: same, diagnostics } = withoutTestFlags(graph, true);
  expect(same).toBe(graph);
  expect(diagnostics).toMatchObject([
    { severity: 'notice', message: '--enforce-eager is for tests', hint: '--production leaves it out' },
  ]);
});

test('the text of a shell loses them too, each process of it', () => {
  const line = (rank: number, more: string) => `python3 -m dynamo.vllm --rank ${rank} ${more}--model m &`;
  const shell = (more: string) => `trap 'kill 0' EXIT\n${line(0, more)}\n${line(1, more)}\nwait -n`;
  const graph = readGraph(`apiVersion: nvidia.com/v1beta1
kind: DynamoGraphDeployment
metadata: {name: g}
spec:
  components:
    - name: W
      type: worker
      podTemplate: {spec: {containers: [{name: main, image: i, command: [/bin/bash, -c], args: [${JSON.stringify(
        shell('--enforce-eager --kv-cache-memory-bytes 9 --gpu-memory-utilization 0.01 '),
      )}]}]}}
`);
  const { graph: changed, diagnostics } = withoutTestFlags(graph);
  expect(argsOf(changed)).toEqual([shell('')]);
  expect(diagnostics).toHaveLength(6);
});
