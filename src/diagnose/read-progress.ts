import { parseLogLine } from './parse-log-line.ts';

/** What a replica is doing, in two or three words; `share` is from 0 to 1 where the line says how far it is. */
export interface Progress {
  readonly text: string;
  readonly share?: number;
}

/** Words by what a line holds; group 1, where there is one, is a percentage. The first row that matches counts. */
const MARKERS: readonly (readonly [pattern: RegExp, text: string])[] = [
  // Downloads: huggingface_hub's bars, and what the runtimes say of them.
  [/(?:Fetching \d+ files|Downloading [^:]+|Download progress):?\s+(\d+)%/, 'downloading'],
  [/Downloading model|Fetching model|Model download started/, 'downloading'],
  // vLLM, and SGLang where it says the same (facts/runtime.md §5.2).
  [/Loading (?:safetensors|pt|gguf) checkpoint shards:\s+(\d+)%/, 'loading'],
  [/Multi-thread loading shards:\s+(\d+)%/, 'loading'],
  [/Starting to load model|Load weight begin|Loading model from/, 'loading'],
  [/Loading weights took|Model loading took|Load weight end/, 'loaded'],
  [/Capturing (?:CUDA )?graphs?[^%]*?\s(\d+)%|Capturing batches[^%]*?\s(\d+)%/, 'capturing graphs'],
  [/Capturing CUDA graphs|Capture cuda graph begin/i, 'capturing graphs'],
  [/Graph capturing finished|Capture cuda graph end/i, 'graphs captured'],
  [/torch\.compile takes|Compiling a graph|Dynamo bytecode transform time/, 'compiling'],
  [/GPU KV cache size|KV Cache is allocated|max_total_num_tokens=/, 'cache allocated'],
  [/init engine \(profile|VllmWorker for .* has been initialized|Setting max_num_tokens/, 'engine up'],
  [/Initializing the worker with config|TensorRT-LLM engine args/, 'loading'],
  [/Prefill warmup completed/, 'warmed up'],
  // Registration, of every engine.
  [
    /Registered endpoint '|Registering model with endpoint types|Successfully registered LLM|Model registration succeeded/,
    'registering',
  ],
  // Mocker.
  [/Launching \d+ mocker worker|Creating mocker worker/, 'loading'],
  [/All \d+ mocker worker\(s\) created and running/, 'engine up'],
  // Frontend.
  [/Starting HTTP\(S\) service/, 'serving HTTP'],
  [/added model\b|Committed discovered model group/, 'model added'],
  // What is waited for.
  [/etcd not reachable yet/, 'waiting for etcd'],
  [/NATS not reachable yet/, 'waiting for NATS'],
];

/**
 * What a log line says about where its process is on its way up; undefined for most lines. For show only: these words change with
 * every release, and nothing waits for them (facts/runtime.md §5.2).
 */
export function readProgress(line: string): Progress | undefined {
  const { message } = parseLogLine(line);
  for (const [pattern, text] of MARKERS) {
    const match = pattern.exec(message);
    if (!match) continue;
    const percent = match.slice(1).find((group) => group !== undefined);
    return percent === undefined ? { text } : { text: `${text} ${percent} %`, share: Number(percent) / 100 };
  }
  return undefined;
}
