import type { Backend, ClassifiedLaunch } from './classify-launch.ts';
import type { InterpretContext } from './interpret-context.ts';

/** NVIDIA's images of a backend, and the CPU image that graphs of mockers run on (compose/images, launch/mocker). */
const REPOSITORIES: Readonly<Record<Backend | 'mocker', string>> = {
  vllm: 'nvcr.io/nvidia/ai-dynamo/vllm-runtime',
  sglang: 'nvcr.io/nvidia/ai-dynamo/sglang-runtime',
  trtllm: 'nvcr.io/nvidia/ai-dynamo/tensorrtllm-runtime',
  mocker: 'dynamo-cpu',
};
const BACKENDS: readonly Backend[] = ['vllm', 'sglang', 'trtllm'];
/** The release of the examples in launch/. */
const DEFAULT_VERSION = '1.4.2';

/**
 * The image of a component: `--image`, else that of its own backend, of the graph's, of the mocker, of the backend that the script's path
 * names (`backends/trtllm/launch`), at the runtime version.
 */
export function chooseImage(
  { options, recording }: Pick<InterpretContext, 'options' | 'recording'>,
  component: string,
  members: readonly ClassifiedLaunch[],
  all: readonly ClassifiedLaunch[],
): { readonly image: string; readonly given: boolean } {
  const kind =
    backendOf(members) ?? backendOf(all) ?? (all.some(isMocker) ? 'mocker' : backendOfPath(recording.script));
  const given = options.image?.(component, kind);
  if (given !== undefined) return { image: given, given: true };
  return { image: `${REPOSITORIES[kind]}:${options.runtimeVersion?.(component) ?? DEFAULT_VERSION}`, given: false };
}

function backendOf(launches: readonly ClassifiedLaunch[]): Backend | undefined {
  return launches.find((launch) => launch.backend !== undefined)?.backend;
}

function backendOfPath(script: string): Backend {
  return BACKENDS.find((backend) => script.split('/').includes(backend)) ?? 'vllm';
}

function isMocker(launch: ClassifiedLaunch): boolean {
  return launch.kind === 'mocker';
}
