import { readReadyReplicas } from '../engine/read-readiness.ts';
import type { InfraEndpoints } from '../infra/parse-endpoints.ts';
import type { DesiredState } from '../model/desired-state.ts';
import { UserError } from '../model/diagnostic.ts';
import type { Graph } from '../model/graph.ts';
import type { ObservedState } from '../model/observed-state.ts';
import type { ResolvedGraph } from '../model/resolved-graph.ts';
import type { Runtime } from '../model/runtime.ts';
import { buildDesiredState } from '../plan/build-desired-state.ts';
import type { AppliedDeviation } from '../plan/deviations.ts';
import { sliceNotices } from '../plan/gpu-devices.ts';
import { checkGpuProducts } from '../plan/gpu-product.ts';
import { migProfile, registersModel } from '../plan/local-pod.ts';
import { chosenGpus, type GiveGpusInput, giveGpus } from './give-gpus.ts';
import type { GraphFlags } from './graph-flags.ts';
import type { Io } from './io.ts';
import { layOutProject } from './lay-out-project.ts';
import { readOtherHolds, refuseOtherProject } from './other-runtime.ts';
import { runtimeKind } from './runtime-kind.ts';

/** FILE and what stands behind `--`. */
export interface ProjectInput {
  readonly file: string;
  readonly scriptArgs: readonly string[];
}

/** Everything that `plan`, `up` and `pull` know before anything is done. */
export interface LoadedProject {
  readonly project: string;
  readonly graph: Graph;
  readonly resolved: ResolvedGraph;
  readonly desired: DesiredState;
  readonly observed: ObservedState;
  readonly deviations: readonly AppliedDeviation[];
  /** Ids of the replicas that are ready now. */
  readonly readyReplicas: ReadonlySet<string>;
  /** The replica whose answer proves the graph: the first frontend, when some worker registers a model. */
  readonly routableFrontend: string | undefined;
  readonly settleMs: number;
  /** Servers of `--infra-endpoints`. */
  readonly shared: InfraEndpoints | undefined;
  /** GPU_SHORTAGE, where the caller looks at a graph that this machine has not the GPUs for: no replica has any then. */
  readonly shortage: UserError | undefined;
}

/**
 * The whole way from FILE to what is desired and what is there; changes nothing. Throws a UserError with every problem of the input
 * (exit 2), or with what the machine lacks (exit 3). `looksOnly`: too few GPUs are told in what is returned, not thrown. `prepares`: the runtime
 * is told of the project as soon as its name is known.
 */
export async function loadProject(
  input: ProjectInput,
  flags: GraphFlags,
  io: Io,
  runtime: Runtime,
  { looksOnly = false, prepares = false } = {},
): Promise<LoadedProject> {
  const signal = io.interrupted;
  const restrictTo = chosenGpus(flags.gpus, io.env);
  const restrictedBy = flags.gpus === undefined ? 'CUDA_VISIBLE_DEVICES' : '--gpus';
  const engine = runtime.facts(signal);
  engine.catch(() => undefined);
  const processes = runtimeKind(flags.runtime, io) === 'process' ? await import('./process-machine.ts') : undefined;
  if (!processes) refuseProcessFlags(flags);
  const python = processes?.readDynamoPython(flags.python, io);
  python?.catch(() => undefined);
  const laid = await layOutProject(input, flags, io, {
    engine,
    runtime,
    ...(prepares ? { onProject: (project) => runtime.prepare(project) } : {}),
    ...(processes && python ? { python, modelCache: processes.processCache(io) } : {}),
  });
  const { project, resolved, replicas } = laid;
  const used = [
    ...laid.built.desired.infra.map((entry) => entry.container),
    ...laid.built.desired.replicas.flatMap((replica) => replica.containers),
  ];
  const needsGpus = replicas.some((replica) => replica.gpuCount > 0);
  const joinsGpus = replicas.some((replica) => replica.gpuCount > 1);
  const [own, otherHolds, inventory, topology] = await Promise.all([
    runtime.observe(
      project,
      used.map((container) => container.image),
      signal,
    ),
    needsGpus ? readOtherHolds(runtime.kind, io) : [],
    needsGpus
      ? import('../host/read-gpu-inventory.ts').then((host) => host.readGpuInventory(io.env, signal))
      : undefined,
    joinsGpus
      ? import('../host/read-gpu-inventory.ts').then((host) => host.readGpuTopology(io.env, signal))
      : undefined,
    refuseOtherProject(runtime.kind, project, io),
  ]);
  const observed = { ...own, gpuHolds: [...own.gpuHolds, ...otherHolds] };
  const given = inventory
    ? tryGiveGpus({
        replicas,
        inventory,
        topology,
        observed,
        restrictTo,
        restrictedBy,
        perGpu: laid.options.perGpu ?? 1,
      })
    : undefined;
  if (given?.shortage && !looksOnly) throw given.shortage;
  const contained = given?.gpus ? buildDesiredState(resolved, { ...laid.options, gpus: given.gpus }) : laid.built;
  const placed =
    processes && python && (await processes.placeProcesses(contained.desired, await python, { flags, io, runtime }));
  const built = placed
    ? { desired: placed.desired, deviations: [...contained.deviations, ...placed.deviations] }
    : contained;
  const modelWorkers = replicas.some((replica) => registersModel(replica.component));
  return {
    project,
    graph: laid.graph,
    resolved,
    desired: {
      ...built.desired,
      notices: [
        ...laid.notices(built.desired),
        ...checkGpuProducts(resolved, inventory?.gpus ?? []),
        ...sliceNotices(
          replicas.map(({ id, component }) => ({ id, profile: migProfile(component) })),
          given?.gpus ?? new Map(),
          inventory?.gpus ?? [],
        ),
      ],
    },
    observed,
    deviations: built.deviations,
    readyReplicas: await readReadyReplicas(observed.containers, runtime, signal),
    routableFrontend: modelWorkers
      ? built.desired.replicas.find((replica) => replica.frontendPort !== undefined)?.id
      : undefined,
    settleMs: laid.settleMs,
    shared: laid.shared,
    shortage: given?.shortage,
  };
}

/** Flags that say something about processes only. */
function refuseProcessFlags(flags: GraphFlags): void {
  const misplaced = flags.python !== undefined ? '--python' : flags.envPass !== undefined ? '--env-pass' : undefined;
  if (misplaced !== undefined)
    throw new UserError('INVALID_FLAG', `${misplaced} is for processes`, { hint: 'use it with --runtime process' });
}

/** The GPUs of each replica, or the error that says why there are not enough. */
function tryGiveGpus(input: GiveGpusInput): { gpus?: ReadonlyMap<string, readonly string[]>; shortage?: UserError } {
  try {
    return { gpus: giveGpus(input) };
  } catch (error) {
    if (error instanceof UserError && error.code === 'GPU_SHORTAGE') return { shortage: error };
    throw error;
  }
}
