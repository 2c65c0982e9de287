import { expect, test } from 'vitest';
import { fromJson, type MapNode, stringsAt } from '../../../src/model/node.ts';
import { detectFrameworks } from '../../../src/operator/backend-framework.ts';
import { operatorOrigin } from '../../../src/operator/generation.ts';
import { injectFlags } from '../../../src/operator/inject-flags.ts';

const ORIGIN = operatorOrigin('1.5', 'utils.go:119');

function container(command: readonly string[], args: readonly string[]): MapNode {
  const node = fromJson({ command, args }, ORIGIN);
  if (node.kind !== 'map') throw new Error('not a map');
  return node;
}

test.each([
  [
    ['python3', '-m', 'dynamo.vllm'],
    ['--model', 'm'],
    ['--model', 'm', 'FLAGS'],
  ],
  [['sh', '-c'], ['python3 -m dynamo.vllm --model m --tp 2'], ['python3 -m dynamo.vllm FLAGS --model m --tp 2']],
  [['sh', '-c'], ['python3 -m dynamo.vllm --model a/vllm-b'], ['python3 -m dynamo.vllm --model a/vllm-b FLAGS']],
  [['sh', '-c'], ['python3 -m dynamo.vllm | tee vllm.log'], ['python3 -m dynamo.vllm FLAGS | tee vllm.log']],
  [['sh', '-c'], ['./start'], ['./start']],
])('flags reach the engine of %j %j', (command, args, expected) => {
  expect(stringsAt(injectFlags(container(command, args), ['FLAGS'], 'vllm', ORIGIN), 'args')).toEqual(expected);
});

test('a framework is what a python of the command line starts', () => {
  expect(detectFrameworks('exec python3.12 -m dynamo.sglang --x')).toEqual(['sglang']);
  expect(detectFrameworks('echo python3 | -m dynamo.vllm')).toEqual([]);
  expect(detectFrameworks('python3 -m dynamo.vllm & python3 -m dynamo.trtllm')).toEqual(['vllm', 'trtllm']);
});
