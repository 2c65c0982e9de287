import { expect, test } from 'vitest';
import { parseLogLine } from '../../../src/diagnose/parse-log-line.ts';
import { readProgress } from '../../../src/diagnose/read-progress.ts';

const ESC = '\u001b';

test.each([
  ['readable', '2026-11-23T15:00:27.309829Z  INFO dynamo_llm::http: Starting HTTP(S) service port=8000'],
  [
    'coloured',
    `${ESC}[2m2026-11-23T15:00:27.309829Z${ESC}[0m ${ESC}[32m INFO${ESC}[0m ${ESC}[2mdynamo_llm::http${ESC}[0m${ESC}[2m:${ESC}[0m Starting HTTP(S) service port=8000`,
  ],
  [
    'JSONL',
    '{"time":"2026-11-23T15:00:27.309829Z","level":"INFO","file":"a.rs","line":202,"target":"x","message":"Starting HTTP(S) service","port":"8000"}',
  ],
])('a %s line is its level and its message with fields', (_, line) => {
  expect(parseLogLine(line)).toEqual({ level: 'INFO', message: 'Starting HTTP(S) service port=8000' });
});

test.each(['Traceback (most recent call last):', '{"message": broken', '{"no":"message"}', ''])(
  'a line that no logger wrote is its text: %j',
  (line) => {
    expect(parseLogLine(line)).toEqual({ level: undefined, message: line });
  },
);

test.each([
  ['Loading safetensors checkpoint shards:  50% Completed | 1/2 [00:01<00:01]', { text: 'loading 50 %', share: 0.5 }],
  ['Fetching 12 files:  25%|##5       | 3/12', { text: 'downloading 25 %', share: 0.25 }],
  ['Capturing CUDA graphs (mixed prefill-decode, PIECEWISE):  10%|#', { text: 'capturing graphs 10 %', share: 0.1 }],
  ['2026-11-23T15:00:27Z INFO gpu_model_runner: Starting to load model Qwen/Qwen3-0.6B...', { text: 'loading' }],
  ['Graph capturing finished in 3 secs, took 0.25 GiB', { text: 'graphs captured' }],
  ['2026-11-23T15:00:27Z  INFO main: All 1 mocker worker(s) created and running', { text: 'engine up' }],
  ["Registered endpoint 'dynamo.backend.generate' with shared TCP server on 10.0.0.3:33297", { text: 'registering' }],
  ['{"level":"INFO","message":"added model","model_name":"local/tiny"}', { text: 'model added' }],
  ['2026-11-23T15:00:27Z  INFO w: Committed discovered model group model_name="m" group=[..]', { text: 'model added' }],
  [
    '2026-11-23T15:00:27Z  WARN e: etcd not reachable yet; retrying startup connection retry_in=16s',
    { text: 'waiting for etcd' },
  ],
  ['2026-11-23T15:00:27Z  INFO x: something else', undefined],
])('progress of %j', (line, expected) => {
  expect(readProgress(line)).toEqual(expected);
});
