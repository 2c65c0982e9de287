import type { DesiredContainer, DesiredState } from '../../model/desired-state.ts';
import type { Origin } from '../../model/origin.ts';

/**
 * Ports that an engine takes where nothing says another, by the module that runs it: containers each have a network for them, processes
 * would share them. vLLM: vllm/envs.py (5600); its KV events: components/src/dynamo/vllm/args.py (20080).
 */
const DEFAULTS: readonly { readonly module: RegExp; readonly ports: Readonly<Record<string, number>> }[] = [
  {
    module: /(?:^|\s)-m\s+dynamo\.vllm(?:\s|$)/,
    ports: { VLLM_NIXL_SIDE_CHANNEL_PORT: 5600, DYN_VLLM_KV_EVENT_PORT: 20_080 },
  },
];

const ORIGIN: Origin = {
  kind: 'local',
  deviation: 'process-ports',
  reason: 'processes share one network: every replica gets ports of its own',
};

function withDefaults(container: DesiredContainer): DesiredContainer {
  const line = [...(container.entrypoint ?? []), ...(container.args ?? [])].join(' ');
  const set = new Set(container.env.map(({ name }) => name));
  const added = DEFAULTS.filter(({ module }) => module.test(line)).flatMap(({ ports }) =>
    Object.entries(ports).flatMap(([name, port]) =>
      set.has(name) ? [] : [{ name, value: String(port), secret: false, origin: ORIGIN }],
    ),
  );
  return added.length === 0 ? container : { ...container, env: [...container.env, ...added] };
}

/** The graph with the ports written out that its processes would take by themselves, so that they are given like all others. */
export function writeDefaultPorts(desired: DesiredState): DesiredState {
  const replicas = desired.replicas.map((replica) => ({
    ...replica,
    containers: replica.containers.map(withDefaults),
  }));
  return { ...desired, replicas };
}
