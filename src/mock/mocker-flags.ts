import type { RuntimeFacts } from '../model/runtime-facts.ts';
import { isAtLeast } from '../model/version.ts';

/** Flags of a worker that the mocker knows too, under the mocker's name (facts/runtime.md §6.4). `flag`: takes no value. */
const NAMES: Readonly<Record<string, string>> = {
  '--model': '--model-path',
  '--model-path': '--model-path',
  '--served-model-name': '--model-name',
  '--model-name': '--model-name',
  '--endpoint': '--endpoint',
  '--block-size': '--block-size',
  '--page-size': '--block-size',
  '--kv-block-size': '--block-size',
  '--max-num-seqs': '--max-num-seqs',
  '--max-batch-size': '--max-num-seqs',
  '--max-running-requests': '--max-num-seqs',
  '--max-num-batched-tokens': '--max-num-batched-tokens',
  '--max-num-tokens': '--max-num-batched-tokens',
  '--max-model-len': '--max-model-len',
  '--context-length': '--max-model-len',
  '--max-seq-len': '--max-model-len',
  '--num-gpu-blocks-override': '--num-gpu-blocks-override',
  '--data-parallel-size': '--data-parallel-size',
  '--dp-size': '--data-parallel-size',
  '--dp': '--data-parallel-size',
  '-dp': '--data-parallel-size',
  '--disaggregation-bootstrap-port': '--bootstrap-ports',
  '--bootstrap-ports': '--bootstrap-ports',
  '--request-plane': '--request-plane',
  '--event-plane': '--event-plane',
  '--speedup-ratio': '--speedup-ratio',
  '--startup-time': '--startup-time',
  '--num-workers': '--num-workers',
  '--engine-type': '--engine-type',
  '--kv-transfer-bandwidth': '--kv-transfer-bandwidth',
  '--reasoning': '--reasoning',
  '--stagger-delay': '--stagger-delay',
};

const SWITCHES: Readonly<Record<string, string>> = {
  '--enable-prefix-caching': '--enable-prefix-caching',
  '--no-enable-prefix-caching': '--no-enable-prefix-caching',
  '--disable-radix-cache': '--no-enable-prefix-caching',
  '--enable-chunked-prefill': '--enable-chunked-prefill',
  '--no-enable-chunked-prefill': '--no-enable-chunked-prefill',
};

/** Flags that must be whole numbers: engines also take `auto` or `32k`. */
const NUMBERS = /^--(?:block-size|max-|num-|data-parallel|bootstrap)/;

/** Since when the mocker knows a flag (its `--help` of 0.6.1, 1.0.2, 1.2.1, 1.4.2 and 1.6.1; facts/versions.md §8); every other one since 0.6. */
const SINCE: Readonly<Record<string, readonly [number, number]>> = {
  '--model-path': [0, 0],
  '--model-name': [0, 0],
  '--endpoint': [0, 0],
  '--bootstrap-ports': [1, 0],
  '--request-plane': [1, 0],
  '--kv-transfer-bandwidth': [1, 0],
  '--reasoning': [1, 0],
  '--stagger-delay': [1, 0],
  '--engine-type': [1, 2],
  '--event-plane': [1, 2],
  '--max-model-len': [1, 4],
};

function knows(version: string, flag: string): boolean {
  const [major, minor] = SINCE[flag] ?? [0, 6];
  return isAtLeast(version, major, minor);
}

export type MockRole = 'aggregated' | 'prefill' | 'decode';

/** What a worker's arguments say. */
export interface WorkerFlags {
  /** `encode` and the like: what the mocker cannot be. */
  readonly role: MockRole | 'other' | undefined;
  readonly model: string | undefined;
  readonly servedName: string | undefined;
  /** For the mocker, without role and model. */
  readonly args: ReadonlyMap<string, string | undefined>;
  /** Flags that the mocker of this version has no use for. */
  readonly leftOut: readonly string[];
}

const ROLE_FLAGS: Readonly<Record<string, WorkerFlags['role']>> = {
  '--is-prefill-worker': 'prefill',
  '--is-decode-worker': 'decode',
  '--multimodal-encode-prefill-worker': 'prefill',
  '--multimodal-decode-worker': 'decode',
  '--is-encode-worker': 'other',
  '--multimodal-encode-worker': 'other',
  '--multimodal-processor': 'other',
  '--embedding-worker': 'other',
  '--image-diffusion-worker': 'other',
  '--video-generation-worker': 'other',
};

function roleOfMode(mode: string): WorkerFlags['role'] {
  if (mode === 'prefill' || mode === 'decode') return mode;
  return mode === 'encode' ? 'other' : 'aggregated';
}

/** The arguments as flags with the values that stand behind each. */
function splitFlags(args: readonly string[]): readonly (readonly [flag: string, values: readonly string[]])[] {
  const flags: [string, string[]][] = [];
  for (const word of args) {
    if (/^--?[a-zA-Z]/.test(word)) {
      const equals = word.indexOf('=');
      const name = (equals === -1 ? word : word.slice(0, equals)).replaceAll('_', '-');
      flags.push([name, equals === -1 ? [] : [word.slice(equals + 1)]]);
    } else flags.at(-1)?.[1].push(word);
  }
  return flags;
}

/** Reads the arguments of a vLLM, SGLang, TensorRT-LLM or mocker worker for the mocker of a runtime version, which ends at a flag it does not know. */
export function readWorkerFlags(written: readonly string[], version: string): WorkerFlags {
  const args = new Map<string, string | undefined>();
  const leftOut: string[] = [];
  let role: WorkerFlags['role'];
  for (const [flag, values] of splitFlags(written)) {
    const [value] = values;
    if (ROLE_FLAGS[flag]) role = ROLE_FLAGS[flag];
    else if (flag === '--disaggregation-mode' && value !== undefined) role = roleOfMode(value);
    else {
      const name = SWITCHES[flag] ?? NAMES[flag];
      const usable =
        SWITCHES[flag] !== undefined || (value !== undefined && (!NUMBERS.test(name ?? '') || /^\d+$/.test(value)));
      if (name !== undefined && usable && knows(version, name))
        args.set(name, SWITCHES[flag] === undefined ? value : undefined);
      else leftOut.push(flag);
    }
  }
  const model = args.get('--model-path');
  const servedName = args.get('--model-name');
  args.delete('--model-path');
  args.delete('--model-name');
  return { role, model, servedName, args, leftOut };
}

/** KV block size of vLLM in Dynamo where none is written; the mocker's own differs before 1.2. */
const VLLM_BLOCK_SIZE = '16';

/** What the mocker is told so that it behaves as that engine: its scheduler where the version imitates several, its block size. */
export function engineFlags(
  module: string,
  given: ReadonlyMap<string, string | undefined>,
  version: string,
): ReadonlyMap<string, string> {
  const engine = /^dynamo\.(vllm|sglang|trtllm)\b/.exec(module)?.[1];
  if (engine === undefined) return new Map();
  const flags = new Map<string, string>();
  const imitated = engine === 'trtllm' ? isAtLeast(version, 1, 4) : knows(version, '--engine-type');
  if (imitated) flags.set('--engine-type', engine);
  if (engine === 'vllm' && !given.has('--block-size') && knows(version, '--block-size'))
    flags.set('--block-size', VLLM_BLOCK_SIZE);
  return flags;
}

/** Flags of the mocker that say the role of a worker, by runtime (facts/versions.md §1, §8). */
export function roleFlags(role: string, runtime: RuntimeFacts, namespace: string): readonly string[] {
  if (runtime.mockerRoleFlags === 'mode') return role === 'aggregated' ? [] : ['--disaggregation-mode', role];
  if (role === 'decode') return ['--is-decode-worker'];
  if (role !== 'prefill') return [];
  // 0.6 registers both roles under one component unless the prefill worker names its own.
  return [
    '--is-prefill-worker',
    ...(runtime.mockerNeedsEndpoint ? ['--endpoint', `dyn://${namespace}.prefill.generate`] : []),
  ];
}
