import type { ClassifiedLaunch } from './classify-launch.ts';
import { type GpuDemand, gpuDemand } from './gpu-demand.ts';
import { membersOf, sharedDemand, type Unit } from './group-launches.ts';
import type { ComponentEnv } from './secret-settings.ts';
import { quoteWord, quoteWords } from './shell-quote.ts';

/** The system port that the operator gives a worker's container; further processes in it take the next ones. */
const SYSTEM_PORT = 9090;

/**
 * Processes beside the main one that are Dynamo's own (ranks of one engine): only the main container gets the operator's environment,
 * so they run in it, side by side. What else is beside it (an engine, a cache server) is a container of its own.
 */
function runsInMain(launch: ClassifiedLaunch): boolean {
  return launch.program.startsWith('dynamo.') && launch.kind !== 'engine';
}

/** Processes that make up the main container, in start order; one where nothing is joined to it. */
export function mainProcesses(unit: Unit): readonly ClassifiedLaunch[] {
  return [...unit.beside.filter(runsInMain), unit.main].toSorted((a, b) => a.index - b.index);
}

/** GPUs of the main container; those of what is beside it are not its own. */
export function mainDemand(unit: Unit): GpuDemand {
  return sharedDemand(mainProcesses(unit));
}

/**
 * The shell that runs several processes in one container: each with its own devices (numbered as the container sees them), ports and
 * variables; it ends when one of them does, as the script does.
 */
export function joinedCommand(
  unit: Unit,
  env: ReadonlyMap<number, readonly ComponentEnv[]>,
  argv: ReadonlyMap<number, readonly string[]>,
): readonly string[] {
  const { devices } = mainDemand(unit);
  const lines = mainProcesses(unit).map((launch, index) => {
    const own = gpuDemand(launch).devices.map((device) => devices.indexOf(device));
    const settings: readonly (readonly [string, string])[] = [
      ...(own.length > 0 ? [['CUDA_VISIBLE_DEVICES', own.join(',')] as const] : []),
      ...(index > 0 ? [['DYN_SYSTEM_PORT', String(SYSTEM_PORT + index)] as const] : []),
      ...(env.get(launch.index) ?? []).flatMap((entry) =>
        'value' in entry ? [[entry.name, entry.value] as const] : [],
      ),
    ];
    const words = (argv.get(launch.index) ?? launch.argv).map((word, at) =>
      at === 0 && isPython(word) ? 'python3' : word,
    );
    return [...settings.map(([name, value]) => `${name}=${quoteWord(value)}`), `${quoteWords(words)} &`].join(' ');
  });
  return ['/bin/bash', '-c', ["trap 'trap - TERM; kill 0; wait' EXIT TERM", ...lines, 'wait -n'].join('\n')];
}

function isPython(word: string): boolean {
  return /^python[\d.]*$/.test(word);
}

/** Containers of a unit besides the main one, in start order. */
export function engineProcesses(unit: Unit): readonly ClassifiedLaunch[] {
  return membersOf(unit).filter((launch) => launch !== unit.main && !runsInMain(launch));
}

/** Devices of a unit as its containers take them one after another: those beside the main one first; what two containers use stands twice. */
export function devicesInPodOrder(unit: Unit): readonly string[] {
  const engines = engineProcesses(unit);
  return [...engines.flatMap((launch) => gpuDemand(launch).devices), ...mainDemand(unit).devices];
}
