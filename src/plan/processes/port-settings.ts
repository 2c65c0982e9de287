import type { DesiredContainer } from '../../model/desired-state.ts';

/** Variables that hold a port on which the process listens (facts/runtime.md §1, facts/launch-scripts.md §8). */
const PORT_VARIABLES: ReadonlySet<string> = new Set([
  'DYN_SYSTEM_PORT',
  'DYN_HTTP_PORT',
  'DYNAMO_PORT',
  'DYN_GRPC_PORT',
  'DYN_TCP_RPC_PORT',
  'DYN_TCP_RESPONSE_STREAM_PORT',
  'DYN_HTTP_RPC_PORT',
  'DYN_VLLM_KV_EVENT_PORT',
  'DYN_FORWARDPASS_METRIC_PORT',
  'DYN_KVBM_LEADER_ZMQ_PUB_PORT',
  'DYN_KVBM_LEADER_ZMQ_ACK_PORT',
  'DYN_KVBM_METRICS_PORT',
  'VLLM_NIXL_SIDE_CHANNEL_PORT',
  'NIXL_TELEMETRY_PROMETHEUS_PORT',
  'VLLM_PORT',
]);

/** Flags whose value is such a port, or a list of them. */
const PORT_FLAGS = [
  'http-port',
  'grpc-port',
  'port',
  'nccl-port',
  'metrics-port',
  'disaggregation-bootstrap-port',
  'bootstrap-ports',
  'data-parallel-rpc-port',
  'zmq-kv-events-ports',
  'zmq-replay-ports',
  'master-port',
] as const;
/** Flags whose value holds addresses with ports: `{"endpoint":"tcp://*:20080"}`, `127.0.0.1:29500`. */
const ADDRESS_FLAGS = ['kv-events-config', 'dist-init-addr'] as const;

const FLAG = new RegExp(`^--(${[...PORT_FLAGS, ...ADDRESS_FLAGS].join('|')})$`);
/** The same inside a word: `--http-port=8000`, or a text for a shell. */
const INLINE = new RegExp(
  `(?<=^|\\s)(--(${[...PORT_FLAGS, ...ADDRESS_FLAGS].join('|')})(?:=|[ \\t]+))('[^']*'|"(?:\\\\.|[^"\\\\])*"|[^\\s'"]+)`,
  'g',
);
/** This host, with a port. */
const LOCAL = /(?<![\w.])(localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\]):(\d{2,5})(?!\d)/g;

type Choose = (port: number) => number;

function mapNumbers(text: string, choose: Choose): string {
  return text.replaceAll(/(?<![\w.])\d{2,5}(?![\w.])/g, (digits) => String(choose(Number(digits))));
}

function mapAddresses(text: string, choose: Choose): string {
  return text.replaceAll(/(?<=[\w*\]}]:)\d{2,5}(?!\d)/g, (digits) => String(choose(Number(digits))));
}

function mapValue(flag: string, value: string, choose: Choose): string {
  return ADDRESS_FLAGS.some((known) => known === flag) ? mapAddresses(value, choose) : mapNumbers(value, choose);
}

/** The words of a command with each port that they set given to `choose`. */
function mapWords(words: readonly string[], choose: Choose): readonly string[] {
  return words.map((word, at) => {
    const flag = FLAG.exec(words[at - 1] ?? '')?.[1];
    if (flag !== undefined) return mapValue(flag, word, choose);
    return word.replaceAll(
      INLINE,
      (_, lead: string, name: string, value: string) => `${lead}${mapValue(name, value, choose)}`,
    );
  });
}

type Command = Pick<DesiredContainer, 'entrypoint' | 'args' | 'env'>;

function mapCommand<T extends Command>(container: T, choose: Choose): T {
  const entrypoint = container.entrypoint ?? [];
  const args = container.args ?? [];
  // A flag may be the last word of the one and its value the first of the other.
  const words = mapWords([...entrypoint, ...args], choose);
  return {
    ...container,
    entrypoint: container.entrypoint && words.slice(0, entrypoint.length),
    args: container.args && words.slice(entrypoint.length),
    env: container.env.map((entry) =>
      PORT_VARIABLES.has(entry.name) && /^\d+$/.test(entry.value)
        ? { ...entry, value: String(choose(Number(entry.value))) }
        : entry,
    ),
  };
}

/** Ports that a container's flags and variables set, each once. */
export function listPorts(container: Command): readonly number[] {
  const found = new Set<number>();
  mapCommand(container, (port) => {
    // 0 lets the kernel choose, and what is less than 1 is no port.
    if (port > 0) found.add(port);
    return port;
  });
  return [...found];
}

/** References to this host's own ports (`localhost:9090`) in a text. */
export function mapLocalPorts(text: string, choose: Choose): string {
  return text.replaceAll(LOCAL, (_, host: string, digits: string) => `${host}:${choose(Number(digits))}`);
}

/** The container with its ports changed wherever they are set or asked for: flags, variables, addresses of this host. */
export function rewritePorts<T extends Command>(container: T, ports: ReadonlyMap<number, number>): T {
  const choose = (port: number) => ports.get(port) ?? port;
  // What was rewritten as a setting must not be taken for a pod's port again.
  const done = new Set(ports.values());
  const chooseOnce = (port: number) => (done.has(port) ? port : choose(port));
  const mapped = mapCommand(container, choose);
  return {
    ...mapped,
    entrypoint: mapped.entrypoint?.map((word) => mapLocalPorts(word, chooseOnce)),
    args: mapped.args?.map((word) => mapLocalPorts(word, chooseOnce)),
    env: mapped.env.map((entry) => ({ ...entry, value: mapLocalPorts(entry.value, chooseOnce) })),
  };
}
