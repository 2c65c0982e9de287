import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { starterScript } from '../../../src/convert/starter-script.ts';
import { readGraph } from '../operator/read-corpus.ts';

test('workers of one host share no port and no GPU', () => {
  const text = readFileSync(new URL('../../../launch/vllm/disagg_router.yaml', import.meta.url), 'utf8');
  const script = starterScript(readGraph(text));
  const all = (pattern: RegExp) => [...script.matchAll(pattern)].map((match) => match[1]);
  expect(all(/DYN_SYSTEM_PORT=(\d+)/g)).toEqual(['8081', '8082', '8083', '8084']);
  expect(all(/VLLM_NIXL_SIDE_CHANNEL_PORT=(\d+)/g)).toEqual(['20097', '20098', '20099', '20100']);
  expect(all(/tcp:\/\/\*:(\d+)/g)).toEqual(['20080', '20081']);
  expect(all(/CUDA_VISIBLE_DEVICES=(\S+)/g)).toEqual(['0', '1', '2', '3']);
});
