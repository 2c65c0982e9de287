import { type Json, type MapNode, type Node, toJson } from '../model/node.ts';

/** Engines that a fragment can name. */
export const BACKENDS = ['vllm', 'sglang', 'trtllm', 'mocker'] as const;
export type Backend = (typeof BACKENDS)[number];

/** Flags of an engine, and settings that trtllm takes as one JSON text. */
interface EngineWords {
  readonly flags?: readonly string[];
  readonly overrides?: Readonly<Record<string, Json>>;
}

const NIXL = '{"kv_connector":"NixlConnector","kv_role":"kv_both"}';

/** How each engine is told its model; the mocker serves it under the same name. */
const MODEL: Readonly<Record<Backend, (model: string) => readonly string[]>> = {
  vllm: (model) => ['--model', model],
  sglang: (model) => ['--model-path', model],
  trtllm: (model) => ['--model-path', model],
  mocker: (model) => ['--model-path', model, '--model-name', model],
};

/** Where a file of engine settings goes. */
const CONFIG_FLAG: Readonly<Record<Backend, string>> = {
  vllm: '--config',
  sglang: '--config',
  trtllm: '--extra-engine-args',
  mocker: '--extra-engine-args',
};

/** Keys whose meaning is one and whose spelling differs by engine (facts/runtime.md §5). */
const BY_BACKEND: Readonly<Record<string, Readonly<Record<Backend, (value: Json) => EngineWords>>>> = {
  model: {
    vllm: (value) => ({ flags: MODEL.vllm(String(value)) }),
    sglang: (value) => ({ flags: MODEL.sglang(String(value)) }),
    trtllm: (value) => ({ flags: MODEL.trtllm(String(value)) }),
    mocker: (value) => ({ flags: MODEL.mocker(String(value)) }),
  },
  'enforce-eager': {
    vllm: (value) => ({ flags: value === true ? ['--enforce-eager'] : [] }),
    sglang: (value) => ({ flags: value === true ? ['--disable-cuda-graph'] : [] }),
    trtllm: (value) => (value === true ? { overrides: { cuda_graph_config: null } } : {}),
    mocker: () => ({}),
  },
  'enable-prefix-caching': {
    vllm: (value) => ({ flags: [value === false ? '--no-enable-prefix-caching' : '--enable-prefix-caching'] }),
    sglang: (value) => ({ flags: value === false ? ['--disable-radix-cache'] : [] }),
    trtllm: (value) => ({ overrides: { kv_cache_config: { enable_block_reuse: value !== false } } }),
    mocker: (value) => ({ flags: [value === false ? '--no-enable-prefix-caching' : '--enable-prefix-caching'] }),
  },
  'kv-cache-transfer': {
    vllm: (value) => ({ flags: ['--kv-transfer-config', isObject(value) ? JSON.stringify(value) : NIXL] }),
    sglang: (value) => ({ flags: ['--disaggregation-transfer-backend', typeof value === 'string' ? value : 'nixl'] }),
    trtllm: (value) => ({
      overrides: {
        cache_transceiver_config: isObject(value) ? value : { backend: transceiver(value) },
      },
    }),
    mocker: () => ({}),
  },
};

/** The flag and path for a file of settings. */
export function configFlags(backend: Backend, path: string): readonly string[] {
  return [CONFIG_FLAG[backend], path];
}

/** Single words that are flags; any other must be written with a dash, so that a misspelled field stays an error. */
const WORDS: ReadonlySet<string> = new Set(['model', 'tp', 'dp', 'pp', 'dtype', 'quantization']);

/** True for a key that is a flag of an engine and no field of a component. */
export function isEngineKey(key: string): boolean {
  return WORDS.has(key) || /^[a-z][a-z0-9]*(?:-[a-z0-9]+)+$/.test(key);
}

/** `--key value`, `--key` for true, `--no-key` for false where the engine knows that form. */
function plainFlag(key: string, value: Json, backend: Backend): EngineWords {
  if (value === true || value === null) return { flags: [`--${key}`] };
  if (value === false) return { flags: backend === 'vllm' || backend === 'mocker' ? [`--no-${key}`] : [] };
  return { flags: [`--${key}`, typeof value === 'object' ? JSON.stringify(value) : String(value)] };
}

/** The words that the keys of a component stand for, in their order; trtllm's settings come last, in one flag. */
export function engineFlags(keys: ReadonlyMap<string, Node>, backend: Backend): readonly string[] {
  const flags: string[] = [];
  let overrides: Record<string, Json> = {};
  for (const [key, node] of keys) {
    const value = meant(toJson(node));
    if (key === 'kv-cache-transfer' && value === false) continue;
    const words = BY_BACKEND[key]?.[backend](value) ?? plainFlag(key, value, backend);
    flags.push(...(words.flags ?? []));
    overrides = { ...overrides, ...words.overrides };
  }
  return Object.keys(overrides).length === 0 ? flags : [...flags, '--override-engine-args', JSON.stringify(overrides)];
}

function isObject(value: Json): boolean {
  return value !== null && typeof value === 'object';
}

/** Backends of TensorRT-LLM's cache transceiver; other words mean its own choice. */
function transceiver(value: Json): string {
  const named = typeof value === 'string' ? value.toUpperCase() : '';
  return ['UCX', 'NIXL', 'MPI', 'MOONCAKE'].includes(named) ? named : 'DEFAULT';
}

/** People quote what is no text. */
function meant(value: Json): Json {
  return value === 'true' ? true : value === 'false' ? false : value;
}

/** The engine that a component means: a field, its command, its image, its name; undefined where none tells. */
export function findBackend(name: string, written: MapNode): Backend | undefined {
  const texts = [...['backend', 'backendFramework', 'framework'].map((key) => written.fields.get(key))];
  const explicit = texts.find((node) => node?.kind === 'scalar');
  const whole =
    `${explicit?.kind === 'scalar' ? explicit.value : ''} ${JSON.stringify(toJson(written))} ${name}`.toLowerCase();
  const inCommand = /dynamo\.(vllm|sglang|trtllm|mocker)\b/.exec(whole)?.[1];
  const named = inCommand ?? /(vllm|sglang|trtllm|tensorrtllm|mocker|dynamo-cpu)/.exec(whole)?.[1];
  const known = named === 'tensorrtllm' ? 'trtllm' : named === 'dynamo-cpu' ? 'mocker' : named;
  return BACKENDS.find((backend) => backend === known);
}
