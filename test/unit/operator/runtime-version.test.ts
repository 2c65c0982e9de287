import { expect, test } from 'vitest';
import { isAtLeast } from '../../../src/model/version.ts';
import { runtimeFacts } from '../../../src/operator/runtime-facts.ts';
import { runtimeVersionOf, versionOfImage } from '../../../src/operator/runtime-version.ts';

test.each([
  ['nvcr.io/nvidia/ai-dynamo/vllm-runtime:1.4.2', '1.4.2'],
  ['nvcr.io/nvidia/ai-dynamo/tensorrtllm-runtime:v0.6.1', '0.6.1'],
  ['nvcr.io/nvidia/ai-dynamo/sglang-runtime:1.5.0-dev.1', '1.5.0'],
  ['registry:5000/team/dynamo-cpu:1.4.2-2df13ef0b347', '1.4.2'],
  ['dynamo-cpu:1.6.1@sha256:0000', '1.6.1'],
  ['nvcr.io/nvidia/ai-dynamo/vllm-runtime:my-tag', undefined],
  ['vllm/vllm-openai:v0.26.0', undefined],
  ['nvcr.io/nvidia/ai-dynamo/vllm-runtime', undefined],
])('%s tells version %s', (image, version) => {
  expect(versionOfImage(image)).toBe(version);
});

test('the flag wins over the file, the file over the tag, the tag over the generation', () => {
  const sources = { flag: '0.9.1', written: '1.0.0', image: 'dynamo-cpu:1.4.2', generation: '1.5' } as const;
  expect(runtimeVersionOf(sources).version).toBe('0.9.1');
  expect(runtimeVersionOf({ ...sources, flag: undefined }).version).toBe('1.0.0');
  expect(runtimeVersionOf({ ...sources, flag: undefined, written: undefined }).version).toBe('1.4.2');
  expect(runtimeVersionOf({ ...sources, flag: undefined, written: undefined, image: 'x:latest' }).version).toBe(
    '1.5.1',
  );
});

test('facts hold from their version up to the next row', () => {
  expect(['0.4.1', '0.6.1', '1.0.2', '1.3.9'].map((version) => runtimeFacts(version).needsNats)).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(['1.4.0', '1.6.1', '2.0.0'].map((version) => runtimeFacts(version).needsNats)).toEqual([false, false, false]);
  expect(runtimeFacts('0.9.1').settleMs).toBe(3000);
  expect(isAtLeast('1.10.0', 1, 4)).toBe(true);
});

test('requests are NATS services before 0.9, and JetStream is needed before 1.0', () => {
  const facts = ['0.6.1', '0.9.1', '1.0.2'].map((version) => runtimeFacts(version));
  expect(facts.map(({ natsServices, needsJetStream }) => [natsServices, needsJetStream])).toEqual([
    [true, true],
    [false, true],
    [false, false],
  ]);
});
