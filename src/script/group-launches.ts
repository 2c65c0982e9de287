import type { ClassifiedLaunch } from './classify-launch.ts';
import { type GpuDemand, gpuDemand } from './gpu-demand.ts';
import { equalizeArguments, equalizeServiceName, isInstanceVariable } from './host-settings.ts';
import { withoutFlags } from './launch-flags.ts';

/** Processes that make up one replica: one launch, or several joined by loopback. */
export interface Unit {
  /** The process that registers the replica: its component's main container. */
  readonly main: ClassifiedLaunch;
  /** Those it needs beside it, in start order. */
  readonly beside: readonly ClassifiedLaunch[];
}

/** Units that are replicas of each other; the first gives the component its values. */
export interface UnitGroup {
  readonly first: Unit;
  readonly units: readonly Unit[];
}

/** Flags that count replicas or ranks: launches that differ in them are no replicas of each other (rule 1). */
const PORT_FLAGS: readonly string[] = ['--http-port', '--port', '--grpc-port'];

/** The unit of joined launches: Dynamo's own process is the main one, the last of several. */
export function makeUnit(launches: readonly ClassifiedLaunch[]): Unit | undefined {
  const ranked = launches.toSorted((a, b) => weight(b) - weight(a) || b.index - a.index);
  const main = ranked[0];
  return main === undefined ? undefined : { main, beside: launches.filter((launch) => launch !== main) };
}

/** Dynamo's own workers before scripts that stand beside them. */
function weight({ kind, program }: ClassifiedLaunch): number {
  if (kind === 'worker' && program.startsWith('dynamo.')) return 4;
  return ['unknown', 'engine', 'worker', 'dynamo', 'sidecar'].indexOf(kind) + 1;
}

/** Collapses equal units, in order of their first (rule 1: one component per module, role, remaining arguments and environment). */
export function groupUnits(units: readonly Unit[]): readonly UnitGroup[] {
  const groups = new Map<string, Unit[]>();
  for (const unit of units) {
    const key = JSON.stringify([keyOf(unit.main, units), unit.beside.map((launch) => keyOf(launch, units))]);
    groups.set(key, [...(groups.get(key) ?? []), unit]);
  }
  return [...groups.values()].flatMap((members) =>
    members[0] === undefined ? [] : [{ first: members[0], units: members }],
  );
}

function keyOf(classified: ClassifiedLaunch, units: readonly Unit[]): unknown {
  const { launch, kind, role, argv } = classified;
  const portless = kind === 'frontend' || kind === 'engine' || kind === 'sidecar';
  const joined = units.some(
    (unit) => unit.beside.length > 0 && (unit.main === classified || unit.beside.includes(classified)),
  );
  const plainArgv = portless ? withoutFlags(argv, ...PORT_FLAGS) : argv;
  // One of several frontends resets what they share, once.
  const words = equalizeArguments(
    kind === 'frontend' ? plainArgv.filter((word) => word !== '--router-reset-states') : plainArgv,
  );
  const plain = joined ? words.map((word) => word.replace(/((?:localhost|127\.0\.0\.1):)\d+/g, '$1PORT')) : words;
  const env = Object.entries(launch.env)
    .filter(([name]) => !isInstanceVariable(name) && name !== 'DYN_HTTP_PORT')
    .map(([name, value]) => [name, name === 'OTEL_SERVICE_NAME' ? equalizeServiceName(value) : value]);
  return [kind, role, plain, env, launch.cwd, launch.files, gpuDemand(classified).count];
}

/** GPUs of a unit: the devices of all its processes, each once. */
export function unitDemand(unit: Unit): GpuDemand {
  return sharedDemand(membersOf(unit));
}

/** GPUs that these processes have together: each device once, in start order. */
export function sharedDemand(launches: readonly ClassifiedLaunch[]): GpuDemand {
  const demands = launches.toSorted((a, b) => a.index - b.index).map(gpuDemand);
  const devices = [...new Set(demands.flatMap((demand) => demand.devices))];
  return { count: devices.length, devices, named: demands.some((demand) => demand.named) };
}

/** All processes of a unit, the main one first. */
export function membersOf(unit: Unit): readonly ClassifiedLaunch[] {
  return [unit.main, ...unit.beside];
}
