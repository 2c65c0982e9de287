import { type ClassifiedLaunch, isProcessor } from './classify-launch.ts';
import { countOf, flagValue, hasFlag } from './launch-flags.ts';

/** Variables that choose devices of other makers, and whose they are. */
export const OTHER_DEVICES: Readonly<Record<string, string>> = {
  ZE_AFFINITY_MASK: 'Intel GPUs',
  HABANA_VISIBLE_DEVICES: 'Intel Gaudi',
  HIP_VISIBLE_DEVICES: 'AMD GPUs',
  ROCR_VISIBLE_DEVICES: 'AMD GPUs',
};
/** Variables that choose devices; the first that is set counts. */
export const DEVICE_VARIABLES: readonly string[] = [
  'CUDA_VISIBLE_DEVICES',
  ...Object.keys(OTHER_DEVICES),
  'NVIDIA_VISIBLE_DEVICES',
];
/** Workers that compute nothing on a GPU. */
const CPU_PROGRAMS = /sample|mocker|llama_cpp|hello_world|echo/;

/** Modules that load a model on a GPU when nothing names one. */
const ENGINE_PROGRAMS = /^dynamo\.(?:vllm|sglang|trtllm)(?:\.(?:omni|worker|decode_worker))?$|worker.*\.py$/;

export interface GpuDemand {
  readonly count: number;
  /** Device numbers of the script's host; made up from 0 where the script names none. */
  readonly devices: readonly string[];
  readonly named: boolean;
}

/** Rule 7: as many as devices are named, else what the parallel flags multiply to, else one for engines and none for the rest. */
export function gpuDemand(classified: ClassifiedLaunch): GpuDemand {
  const { launch, kind, program } = classified;
  if (!['worker', 'engine', 'unknown'].includes(kind) || CPU_PROGRAMS.test(program) || isProcessor(classified))
    return { count: 0, devices: [], named: false };
  const variable = DEVICE_VARIABLES.find((name) => launch.env[name] !== undefined);
  const value = variable === undefined ? undefined : launch.env[variable];
  if (value !== undefined && value !== 'all') {
    const devices = value
      .split(',')
      .map((device) => device.trim())
      .filter((device) => device !== '' && device !== '-1' && device !== 'none');
    return { count: devices.length, devices, named: true };
  }
  const isEngine = kind === 'engine' || ENGINE_PROGRAMS.test(program);
  const count = isEngine ? parallelSize(launch.argv) : 0;
  return { count, devices: Array.from({ length: count }, (_, device) => String(device)), named: false };
}

function parallelSize(argv: readonly string[]): number {
  const tensor = countOf(flagValue(argv, '--tensor-parallel-size', '--tp', '--tp-size', '--tp_size', '-tp')) ?? 1;
  const pipeline = countOf(flagValue(argv, '--pipeline-parallel-size', '--pp', '--pp-size', '--pp_size', '-pp')) ?? 1;
  // One rank of several stands in this process alone; attention data parallelism divides the tensor group.
  const ranked = hasFlag(argv, '--data-parallel-rank', '--enable-dp-attention', '--data-parallel-start-rank');
  const data = ranked
    ? 1
    : (countOf(
        flagValue(
          argv,
          '--data-parallel-size-local',
          '--data-parallel-size',
          '--data_parallel_size',
          '--dp',
          '--dp-size',
          '-dp',
        ),
      ) ?? 1);
  return tensor * pipeline * data;
}
