import type { Diagnostic } from '../model/diagnostic.ts';
import { itemsAt, list, type MapNode, mapAt, scalar, stringAt, withField } from '../model/node.ts';
import type { Origin } from '../model/origin.ts';
import { commandLine, dynamoModule } from './local-pod.ts';
import type { GpuShare } from './share-gpus.ts';

const ORIGIN: Origin = { kind: 'flag', flag: '--share-gpus' };

/** What engines take of a GPU when nobody says otherwise (ai-dynamo/dynamo examples/common/gpu_utils.md, "Quick Reference"). */
const WHOLE = 0.9;
/** Activations and CUDA graphs of SGLang are outside its fraction (ditto, "SGLang"). */
const WHOLE_SGLANG = 0.8;

/**
 * Flag and fraction by engine. vLLM and SGLang count from all memory of the GPU, so each gets its part; TensorRT-LLM counts from what is
 * free once its weights are loaded, so the first of two gets half of it and the last all (ditto, "Quick Reference").
 */
function memoryFlag(
  module: string | undefined,
  { nth, of }: GpuShare,
): readonly [flag: string, fraction: number] | undefined {
  if (module === 'dynamo.vllm') return ['--gpu-memory-utilization', WHOLE / of];
  if (module === 'dynamo.sglang') return ['--mem-fraction-static', WHOLE_SGLANG / of];
  if (module === 'dynamo.trtllm') return ['--free-gpu-memory-fraction', WHOLE / (of - nth)];
  return undefined;
}

function isShell(words: readonly string[]): boolean {
  return /(?:^|\/)(?:ba|da|z)?sh$/.test(words[0] ?? '');
}

/** The pod whose engine takes its part of the GPU's memory alone; what the file says of it already stays, with a warning. */
export function shareMemory(
  podTemplate: MapNode,
  replica: string,
  share: GpuShare,
): { readonly podTemplate: MapNode; readonly diagnostics: readonly Diagnostic[] } {
  const spec = mapAt(podTemplate, 'spec');
  if (!spec || share.of < 2) return { podTemplate, diagnostics: [] };
  const diagnostics: Diagnostic[] = [];
  const containers = itemsAt(spec, 'containers').map((container) => {
    if (container.kind !== 'map') return container;
    const words = commandLine(container);
    const wanted = memoryFlag(dynamoModule(container), share);
    if (wanted === undefined) return container;
    const [flag, fraction] = wanted;
    const value = String(Math.floor(fraction * 100) / 100);
    const written = words.some((word) => word.includes(flag));
    if (written || isShell(words)) {
      const message = written
        ? `${replica}: ${flag} stays as the file has it; ${share.of} replicas share the GPU`
        : `${replica}: add ${flag} ${value} to its command by hand: ${share.of} replicas share the GPU, and it runs in a shell`;
      diagnostics.push({ severity: 'warning', code: 'SHARE_GPUS', message });
      return container;
    }
    const key = stringAt(container, 'args', 0) === undefined ? 'command' : 'args';
    const items = [...itemsAt(container, key), scalar(flag, ORIGIN), scalar(value, ORIGIN)];
    return withField(container, key, list(items, ORIGIN));
  });
  const changed = withField(spec, 'containers', list(containers, spec.origin));
  return { podTemplate: withField(podTemplate, 'spec', changed), diagnostics };
}
