import { homedir } from 'node:os';
import { readReadyReplicas } from '../engine/read-readiness.ts';
import type { InfraEndpoints } from '../infra/parse-endpoints.ts';
import { adaptMocker } from '../mock/adapt-mocker.ts';
import type { DesiredContainer, DesiredState } from '../model/desired-state.ts';
import { type Diagnostic, throwOnErrors, UserError } from '../model/diagnostic.ts';
import type { Graph } from '../model/graph.ts';
import { projectName } from '../model/names.ts';
import type { ObservedState } from '../model/observed-state.ts';
import type { OperatorGeneration } from '../model/origin.ts';
import type { ResolvedGraph } from '../model/resolved-graph.ts';
import type { Runtime } from '../model/runtime.ts';
import { resolveGraph } from '../operator/resolve-graph.ts';
import { runtimeFacts } from '../operator/runtime-facts.ts';
import { runtimeVersionOf } from '../operator/runtime-version.ts';
import { buildDesiredState, type LocalOptions, listReplicas } from '../plan/build-desired-state.ts';
import { readCompanionValues } from '../plan/companion-values.ts';
import type { AppliedDeviation } from '../plan/deviations.ts';
import { checkGpuProducts } from '../plan/gpu-product.ts';
import { checkComponentNames, parseComponentValues, valueFor } from '../plan/image-overrides.ts';
import { registersModel } from '../plan/local-pod.ts';
import { checkProjectName } from './choose-project.ts';
import { chosenGpus, type GiveGpusInput, giveGpus } from './give-gpus.ts';
import type { GraphFlags } from './graph-flags.ts';
import { findHuggingFace } from './hugging-face.ts';
import type { Io } from './io.ts';
import { loadInfra } from './load-infra.ts';
import { operatorGeneration } from './operator-generation.ts';
import { readEnvFiles } from './read-env-files.ts';
import { readGraph } from './read-graph.ts';
import { findMissingHostPaths, readVolumeFlags } from './read-host-folders.ts';

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

const PULL_POLICIES: ReadonlyMap<string, DesiredContainer['pullPolicy']> = new Map([
  ['always', 'Always'],
  ['missing', 'IfNotPresent'],
  ['never', 'Never'],
]);

function pullPolicy(flag: string | undefined): DesiredContainer['pullPolicy'] | undefined {
  if (flag === undefined) return undefined;
  const policy = PULL_POLICIES.get(flag);
  if (policy) return policy;
  throw new UserError('INVALID_FLAG', `--pull: "${flag}" is not known`, {
    hint: `choose one of ${[...PULL_POLICIES.keys()].join(', ')}`,
  });
}

function parseScale(values: readonly string[]): ReadonlyMap<string, number> {
  const scale = new Map<string, number>();
  for (const [component, text] of parseComponentValues(values, '--scale')) {
    const count = Number(text);
    if (component === '' || !Number.isInteger(count) || count < 0) {
      throw new UserError(
        'INVALID_FLAG',
        `--scale: "${component === '' ? text : `${component}=${text}`}" is no COMPONENT=N`,
      );
    }
    scale.set(component, count);
  }
  return scale;
}

/** What was assumed about versions, and why: one notice for the operator, one for each runtime version. */
class Assumptions {
  readonly #runtimes = new Map<string, string[]>();

  note(component: string, version: string, why: string): void {
    const key = `runtime ${version} assumed (${why})`;
    const names = this.#runtimes.get(key) ?? [];
    if (!names.includes(component)) names.push(component);
    this.#runtimes.set(key, names);
  }

  list(generation: OperatorGeneration, flag: string | undefined, apiVersion: string): Diagnostic[] {
    const why = flag === undefined ? `the newest that knows ${apiVersion}` : '--operator-version';
    const messages = [`merged as operator ${generation} does (${why})`];
    for (const [text, components] of this.#runtimes) messages.push(`${text}: ${components.join(', ')}`);
    return messages.map((message) => ({ severity: 'notice', code: 'VERSION_ASSUMED', message }));
  }
}

/**
 * The whole way from FILE to what is desired and what is there; changes nothing. Throws a UserError with every problem of the input
 * (exit 2), or with what the machine lacks (exit 3). `looksOnly`: too few GPUs are told in what is returned, not thrown.
 */
export async function loadProject(
  input: ProjectInput,
  flags: GraphFlags,
  io: Io,
  runtime: Runtime,
  { looksOnly = false } = {},
): Promise<LoadedProject> {
  const signal = io.interrupted;
  const generation = operatorGeneration(flags.operatorVersion);
  const images = { byComponent: parseComponentValues(flags.image ?? [], '--image'), tag: flags.tag };
  const scale = parseScale(flags.scale ?? []);
  const perGpu = flags.shareGpus === true ? 2 : (flags.shareGpus ?? 1);
  const versions = parseComponentValues(flags.runtimeVersion ?? [], '--runtime-version');
  const restrictTo = chosenGpus(flags.gpus, io.env);
  const engineSoon = runtime.facts(signal);
  engineSoon.catch(() => undefined);
  const claimsSoon = readVolumeFlags(flags.volume ?? [], io.env);
  claimsSoon.catch(() => undefined);
  const { graph, diagnostics, script } = await readGraph(
    {
      ...input,
      flags,
      generation,
      image: (component) => valueFor(images.byComponent, component),
      runtimeVersion: (component) => flags.tag ?? valueFor(versions, component),
    },
    io,
  );
  const written = resolveGraph(graph, { generation });
  const components = written.components.map((component) => component.name);
  checkComponentNames(images.byComponent, components, '--image');
  checkComponentNames(scale, components, '--scale');
  checkComponentNames(versions, components, '--runtime-version');
  const project = checkProjectName(flags.project || io.env.DYNAMO_PROJECT || projectName(graph.name));
  const [engine, infra, extraEnv, huggingFace, claimFolders] = await Promise.all([
    engineSoon,
    loadInfra(flags.infraEndpoints, io),
    readEnvFiles(flags.envFile ?? []),
    findHuggingFace(io.env, io.env.HOME ?? homedir()),
    claimsSoon,
  ]);
  const mock = flags.mock
    ? await import('./mock-project.ts').then(({ mockProject }) =>
        mockProject({ graph, resolved: written, images, versions, generation, project, runtime, io }),
      )
    : undefined;
  const { resolved, companions } = mock ?? { resolved: written, companions: graph.companions };
  const missingHostPaths = await findMissingHostPaths(resolved);
  const assumptions = new Assumptions();
  let settleMs = 0;
  const options: LocalOptions = {
    project,
    source: input.file,
    images: mock?.images ?? images,
    scale,
    withPlanner: flags.withPlanner ?? false,
    perGpu,
    pull: pullPolicy(flags.pull),
    runtimeOf: (component, image) => {
      const flag = valueFor(versions, component.name);
      const { version, why } =
        mock?.versionOf(component) ??
        runtimeVersionOf({ flag, written: component.runtimeVersionOverride, image, generation });
      assumptions.note(component.name, version, why);
      const facts = runtimeFacts(version);
      settleMs = Math.max(settleMs, facts.settleMs);
      return facts;
    },
    infra: infra.options,
    engine,
    companions: readCompanionValues(companions, huggingFace.token, script?.secrets),
    gpus: new Map(),
    port: flags.port,
    bind: flags.bind,
    extraEnv,
    hfCache: huggingFace.cache,
    workspace: script?.mountsTree ? { source: script.recording.tree, target: script.workspace } : undefined,
    claimFolders,
    missingHostPaths,
    adaptPod: adaptMocker,
  };
  const laidOut = buildDesiredState(resolved, options);
  throwOnErrors(laidOut.diagnostics);
  const used = [
    ...laidOut.desired.infra.map((entry) => entry.container),
    ...laidOut.desired.replicas.flatMap((replica) => replica.containers),
  ];
  const replicas = listReplicas(resolved, scale, perGpu);
  const needsGpus = replicas.some((replica) => replica.gpuCount > 0);
  const joinsGpus = replicas.some((replica) => replica.gpuCount > 1);
  const [observed, inventory, topology] = await Promise.all([
    runtime.observe(
      project,
      used.map((container) => container.image),
      signal,
    ),
    needsGpus
      ? import('../host/read-gpu-inventory.ts').then((host) => host.readGpuInventory(io.env, signal))
      : undefined,
    joinsGpus
      ? import('../host/read-gpu-inventory.ts').then((host) => host.readGpuTopology(io.env, signal))
      : undefined,
  ]);
  const given = inventory ? tryGiveGpus({ replicas, inventory, topology, observed, restrictTo }) : undefined;
  if (given?.shortage && !looksOnly) throw given.shortage;
  const built = given?.gpus ? buildDesiredState(resolved, { ...options, gpus: given.gpus }) : laidOut;
  const modelWorkers = replicas.some((replica) => registersModel(replica.component));
  return {
    project,
    graph,
    resolved,
    desired: {
      ...built.desired,
      notices: [
        ...assumptions.list(generation, flags.operatorVersion, graph.apiVersion),
        // A hole that --image has filled, or that stops everything under a name of its own, is not said again.
        ...diagnostics.filter((diagnostic) => diagnostic.code !== 'IMAGE_HOLE'),
        ...(mock?.notices ?? []),
        ...built.desired.notices,
        ...checkGpuProducts(resolved, inventory?.gpus ?? []),
      ],
    },
    observed,
    deviations: built.deviations,
    readyReplicas: await readReadyReplicas(observed.containers, runtime, signal),
    routableFrontend: modelWorkers
      ? built.desired.replicas.find((replica) => replica.frontendPort !== undefined)?.id
      : undefined,
    settleMs,
    shared: infra.shared,
    shortage: given?.shortage,
  };
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
