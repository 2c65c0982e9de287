import { expect, test } from 'vitest';
import { LogReader } from '../../../src/diagnose/log-reader.ts';
import { lastException, recognizeFailure } from '../../../src/diagnose/recognize-failure.ts';
import type { EventBody } from '../../../src/model/event.ts';

/** Lines as the programs write them, measured or from their sources (facts/runtime.md §5.3, facts/versions.md §2). */
test.each([
  ['torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.', 'GPU_MEMORY'],
  [
    'ValueError: Free memory on device (1.2/79.1 GiB) on startup is less than desired GPU memory utilization',
    'GPU_MEMORY',
  ],
  ['RuntimeError: The NVIDIA driver on your system is too old (found version 11040).', 'GPU_DRIVER'],
  ['ImportError: libcuda.so.1: cannot open shared object file: No such file or directory', 'GPU_MISSING'],
  ["OSError: [Errno 28] No space left on device: '/dev/shm/psm_1234'", 'SHM_FULL'],
  ['OSError: [Errno 28] No space left on device', 'CONTAINER_DISK_FULL'],
  ['requests.exceptions.HTTPError: 401 Client Error: Unauthorized for url: https://huggingface.co/x', 'HF_TOKEN'],
  ['huggingface_hub.errors.GatedRepoError: Cannot access gated repo for url', 'HF_TOKEN'],
  [
    "Exception: Failed to fetch model 'local/tiny' from HuggingFace: not found. Is this a valid HuggingFace ID?",
    'MODEL_MISSING',
  ],
  [
    "OSError: no/model is not a local folder and is not a valid model identifier listed on 'https://huggingface.co/models'",
    'MODEL_MISSING',
  ],
  ["ModuleNotFoundError: No module named 'vllm'", 'MODULE_MISSING'],
  ['usage: python3 [option] ... [-c cmd | -m mod | file | -] [arg] ...', 'ARGS_WITHOUT_COMMAND'],
  ['__main__.py: error: unrecognized arguments: --no-such-flag', 'FLAG_UNKNOWN'],
  ["error: argument --engine-type: invalid choice: 'x' (choose from vllm)", 'FLAG_UNKNOWN'],
  ['Exception: JetStream not available', 'NATS_NO_JETSTREAM'],
  ['Unable to maintain lease - expired or revoked. Check etcd server status', 'LEASE_LOST'],
  ['Exception: Unable to create lease. Check etcd server status at http://etcd:2379', 'ETCD_UNREACHABLE'],
  ['Exception: Failed to connect to NATS: IO error: Connection refused (os error 111).', 'NATS_UNREACHABLE'],
  ['Failed to start HTTP server: port 8000 already in use', 'PORT_CLASH'],
  ['OSError: [Errno 98] Address already in use', 'PORT_CLASH'],
  ['ERROR watcher: Checksum for new worker does not match', 'MODEL_CARDS_DIFFER'],
  [
    '2026-11-23T15:00:27Z ERROR dynamo_llm::discovery::watcher: Error adding model from discovery model_name="t"',
    'MODEL_NOT_LOADED',
  ],
  ['Model registration failed; shutting down', 'REGISTER_FAILED'],
  ["Exception: Invalid request plane mode: 'http'. Valid options are: 'nats', 'tcp'", 'PLANE_INVALID'],
  ["ImportError: cannot import name 'x' from 'y'", 'IMPORT_FAILED'],
  ['2026-11-23T15:00:27Z  INFO main: all is well', undefined],
  ['ModelExpress: Cannot connect to ModelExpress server. Using direct download', undefined],
])('%j is %s', (line, code) => {
  expect(recognizeFailure(['Traceback (most recent call last):', line])?.code).toBe(code);
});

test('the more telling of two failures counts, wherever it stands', () => {
  const lines = ["ModuleNotFoundError: No module named 'vllm'", 'Unable to maintain lease - expired or revoked'];
  expect(recognizeFailure(lines)?.code).toBe('MODULE_MISSING');
  expect(recognizeFailure(lines.toReversed())?.cause).toContain('vllm');
});

test('the exception that a traceback ends with is found', () => {
  expect(lastException(['Traceback', '  File "x"', 'ValueError: too small', 'bye'])).toBe('ValueError: too small');
  expect(lastException(['fine'])).toBeUndefined();
});

test('what a process survives is told once, and progress when it changes', () => {
  const events: EventBody[] = [];
  const reader = new LogReader((event) => events.push(event));
  for (let round = 0; round < 2; round += 1) {
    reader.read('decode-0', 'Starting to load model m');
    reader.read('decode-0', '401 Client Error: Unauthorized for url');
    reader.read('decode-0', "No module named 'vllm'");
  }
  expect(events.map((event) => (event.type === 'notice' ? event.diagnostic.code : event.type))).toEqual([
    'progress',
    'HF_TOKEN',
  ]);
});
