import type { ClassifiedLaunch } from './classify-launch.ts';
import { DEVICE_VARIABLES } from './gpu-demand.ts';

/** Ports of a worker that only processes sharing a host must not share: each replica has its own network. */
const PORT_VARIABLE =
  /^(?:DYN_SYSTEM_PORT\w*|VLLM_NIXL_SIDE_CHANNEL_PORT|NIXL_TELEMETRY_PROMETHEUS_PORT|DYN_FORWARDPASS_METRIC_PORT)$/;
/** Ports that stay, at the value of the first replica: the process needs some value. */
const KEPT_PORT_VARIABLE = /^(?:DYN_KVBM_LEADER_ZMQ_\w*PORT|FLEXKV_SERVER_RECV_PORT|DYN_VLLM_KV_EVENT_PORT)$/;
const BOOTSTRAP_PORT = '--disaggregation-bootstrap-port';
const LOOPBACK = /(?:^|\/\/|@)(?:localhost|127\.0\.0\.1|\[::1\])(?::|\/|$)/;
/** Read by a program itself and not only by the script: stays although an argument repeats it. */
const RUNTIME_VARIABLE =
  /^(?:DYN|DYNAMO|VLLM|SGLANG|SGL|TRTLLM|TLLM|NCCL|GLOO|UCX|NIXL|OTEL|HF|HUGGING|TRANSFORMERS|TORCH|PYTORCH|CUDA|NVIDIA|PYTHON|RUST|LMCACHE|KVBM|FLEXKV|AWS|OMP|TOKENIZERS|PROMETHEUS|LD|ETCD|NATS|MODEL_EXPRESS)_?/;
/** Settings of the script for itself (rule 8). */
const SCRIPT_VARIABLE = /^(?:\w+_ENGINE_ARGS|DYNAMO_HOME|MODALITY|\w+_CUDA_VISIBLE_DEVICES|DYNAMO_ROOT|SCRIPT_DIR)$/;
/** Such settings too, where an argument has the value; else the program itself may read them. */
const MODEL_VARIABLE = /^(?:MODEL|MODEL_PATH|MODEL_NAME|SERVED_MODEL_NAME)$/;

export type SettingUse =
  | { readonly keep: true }
  /** `reason` is said once per name; undefined where the value lives on elsewhere (GPUs as a limit). */
  | { readonly keep: false; readonly reason: string | undefined };

/** Whether a variable of a launch belongs into its container (rule 8 of facts/deployment-yaml.md §6.3). */
export function useOfVariable(
  name: string,
  value: string,
  of: ClassifiedLaunch,
  everyWord: ReadonlySet<string>,
): SettingUse {
  if (DEVICE_VARIABLES.includes(name)) return { keep: false, reason: undefined };
  if (PORT_VARIABLE.test(name)) return { keep: false, reason: 'each replica has a network or ports of its own' };
  if (name === 'DYN_SYSTEM_ENABLED') return { keep: false, reason: 'the operator sets it' };
  if ((name === 'NATS_SERVER' || name === 'ETCD_ENDPOINTS') && (value === '' || LOOPBACK.test(value)))
    return { keep: false, reason: 'etcd and NATS of the graph take the place of those on the host' };
  if (name === 'DYN_HTTP_PORT')
    return {
      keep: false,
      reason: of.kind === 'frontend' && value !== '8000' ? 'frontends listen on 8000 in their containers' : undefined,
    };
  if (name === 'PROMETHEUS_MULTIPROC_DIR' && value.startsWith('/tmp/')) {
    return { keep: false, reason: 'the script makes that directory, and Dynamo makes its own' };
  }
  if (name === 'PATH' || name === 'VIRTUAL_ENV')
    return { keep: false, reason: 'programs stand where the image has them' };
  if (name.startsWith('_')) return { keep: false, reason: 'a setting of the script for itself' };
  if (SCRIPT_VARIABLE.test(name) && (!RUNTIME_VARIABLE.test(name) || /^DYNAMO_(?:HOME|ROOT)$/.test(name)))
    return { keep: false, reason: 'a setting of the script for itself' };
  if (MODEL_VARIABLE.test(name) && [...everyWord].some((word) => word.includes(value)))
    return { keep: false, reason: 'a setting of the script for itself' };
  if (
    !RUNTIME_VARIABLE.test(name) &&
    /[/.:]|[A-Za-z]{4}/.test(value) &&
    !/^(?:true|false)$/i.test(value) &&
    everyWord.has(value)
  )
    return { keep: false, reason: 'its value stands in the arguments' };
  return { keep: true };
}

/** A port that processes which share a network must not share; that of the system server is given out anew. */
export function isPortOfInstance(name: string): boolean {
  return (PORT_VARIABLE.test(name) && !name.startsWith('DYN_SYSTEM_PORT')) || KEPT_PORT_VARIABLE.test(name);
}

/** Whether replicas of one component may differ in this variable. */
export function isInstanceVariable(name: string): boolean {
  return DEVICE_VARIABLES.includes(name) || PORT_VARIABLE.test(name) || KEPT_PORT_VARIABLE.test(name);
}

/** The arguments with what differs between replicas made equal: the port of KV events (rule 1), and that of SGLang's bootstrap server. */
export function equalizeArguments(argv: readonly string[]): readonly string[] {
  return argv.map((word, index) => {
    const before = argv[index - 1];
    if (before === BOOTSTRAP_PORT) return 'PORT';
    if (word.startsWith(`${BOOTSTRAP_PORT}=`)) return `${BOOTSTRAP_PORT}=PORT`;
    const ofEvents = before === '--kv-events-config' || word.startsWith('--kv-events-config=');
    return ofEvents ? word.replace(/((?:tcp:\/\/[^":]*|\*):)\d+/g, '$1PORT') : word;
  });
}

/** `worker-1`, `worker-2`: a name that only counts replicas. */
export function equalizeServiceName(value: string): string {
  return value.replace(/[-_]?\d+$/, '');
}
