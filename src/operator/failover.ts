import { fromJson, itemsAt, type MapNode, mapAt, type Node, scalar, stringAt, withField } from '../model/node.ts';
import type { OperatorGeneration, Origin } from '../model/origin.ts';
import { mapsAt, nameOf, withItems } from './edit-node.ts';
import { GMS_SOCKET_DIRECTORY } from './gpu-memory-service.ts';
import { envVar } from './merge-envs.ts';

const ENGINES = [0, 1] as const;
const SYSTEM_PORT = 9090;
/** `--master-port` of a vLLM process group, and how far the standby's stands from it. */
const MASTER_PORT = 29500;
const MASTER_PORT_STEP = 100;

/** Variables of the single engine that make no sense for two [150 failover.go:403]. */
const REMOVED: ReadonlySet<string> = new Set([
  'DYN_SYSTEM_USE_ENDPOINT_HEALTH_STATUS',
  'DYN_SYSTEM_PORT',
  'DYN_SYSTEM_ENABLED',
  'DYN_HEALTH_CHECK_ENABLED',
  'CONTAINER_NAME',
  'DYN_FORWARDPASS_METRIC_PORT',
]);
/** Only 1.5 gives workers a forward-pass metric port. */
const FORWARD_PASS: Readonly<Record<OperatorGeneration, boolean>> = {
  '0.4': false,
  '0.6': false,
  '1.1': false,
  '1.5': true,
};

function engineEnv(engine: number, generation: OperatorGeneration, origin: Origin): readonly Node[] {
  const pairs: (readonly [string, string])[] = [
    ['ENGINE_ID', `${engine}`],
    ['CONTAINER_NAME', `engine-${engine}`],
    ['FAILOVER_LOCK_PATH', `${GMS_SOCKET_DIRECTORY}/failover.lock`],
    ['DYN_SYSTEM_STARTING_HEALTH_STATUS', 'notready'],
    ['DYN_SYSTEM_PORT', `${SYSTEM_PORT + engine}`],
    ['DYN_SYSTEM_ENABLED', 'true'],
  ];
  if (FORWARD_PASS[generation]) pairs.push(['DYN_FORWARDPASS_METRIC_PORT', `${20380 + engine}`]);
  pairs.push(
    ['DYN_VLLM_GMS_SHADOW_MODE', 'true'],
    ['VLLM_NIXL_SIDE_CHANNEL_PORT', `${5600 + engine}`],
    ['DYN_VLLM_KV_EVENT_PORT', `${20080 + engine}`],
  );
  return pairs.map(([name, value]) => envVar(name, value, origin));
}

/** HTTP probes follow the engine's own port. */
function retarget(container: MapNode, probe: string, port: Node): MapNode {
  const written = mapAt(container, probe);
  const httpGet = mapAt(written, 'httpGet');
  if (!written || !httpGet) return container;
  return withField(container, probe, withField(written, 'httpGet', withField(httpGet, 'port', port)));
}

function standbyArgs(container: MapNode, engine: number, origin: Origin): MapNode {
  if (engine === 0) return container;
  const args = itemsAt(container, 'args');
  const flag = args.findIndex((word) => word.kind === 'scalar' && word.value === '--master-port');
  const value = args[flag + 1];
  const known = flag >= 0 && value?.kind === 'scalar' ? Number(value.value) : MASTER_PORT;
  const port = scalar(`${known + MASTER_PORT_STEP * engine}`, origin);
  const changed = flag >= 0 && value ? args.with(flag + 1, port) : [...args, scalar('--master-port', origin), port];
  return withItems(container, 'args', changed, origin);
}

function buildEngine(main: MapNode, engine: number, generation: OperatorGeneration, origin: Origin): MapNode {
  const port = scalar(`system-${engine}`, origin);
  const kept = mapsAt(main, 'env').filter((variable) => !REMOVED.has(nameOf(variable)));
  let container = withField(main, 'name', scalar(`engine-${engine}`, origin));
  container = withItems(container, 'env', [...kept, ...engineEnv(engine, generation, origin)], origin);
  const ports = [{ protocol: 'TCP', name: `system-${engine}`, containerPort: SYSTEM_PORT + engine }];
  container = withField(container, 'ports', fromJson(ports, origin));
  for (const probe of ['livenessProbe', 'readinessProbe', 'startupProbe']) container = retarget(container, probe, port);
  return standbyArgs(container, engine, origin);
}

/** Intra-pod failover: the first container twice, an active and a standby engine, the sidecars behind them (vLLM alone). */
export function applyFailover(podSpec: MapNode, generation: OperatorGeneration, origin: Origin): MapNode {
  const [main, ...sidecars] = mapsAt(podSpec, 'containers');
  if (!main) return podSpec;
  const engines = ENGINES.map((engine) => buildEngine(main, engine, generation, origin));
  return withItems(podSpec, 'containers', [...engines, ...sidecars], origin);
}

/** True when a mode reads intra-pod; the API versions spell it differently and it is the default. */
export function isIntraPod(feature: MapNode | undefined): boolean {
  return (stringAt(feature, 'mode') ?? 'intraPod').toLowerCase() !== 'interpod';
}
