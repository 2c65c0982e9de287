import { homedir } from 'node:os';
import type { Conversion } from '../convert/conversion.ts';
import type { DynamoPython } from '../host/read-python.ts';
import type { InfraEndpoints } from '../infra/parse-endpoints.ts';
import { adaptMocker } from '../mock/adapt-mocker.ts';
import type { DesiredContainer, DesiredState } from '../model/desired-state.ts';
import { type Diagnostic, throwOnErrors, UserError } from '../model/diagnostic.ts';
import type { Graph } from '../model/graph.ts';
import { projectName } from '../model/names.ts';
import type { OperatorGeneration } from '../model/origin.ts';
import type { ResolvedGraph } from '../model/resolved-graph.ts';
import type { Runtime } from '../model/runtime.ts';
import { resolveGraph } from '../operator/resolve-graph.ts';
import { runtimeFacts } from '../operator/runtime-facts.ts';
import { runtimeVersionOf } from '../operator/runtime-version.ts';
import { buildDesiredState, type LocalOptions, type LocalReplica, listReplicas } from '../plan/build-desired-state.ts';
import { readCompanionValues } from '../plan/companion-values.ts';
import { checkComponentNames, imageChooser, parseComponentValues, valueFor } from '../plan/image-overrides.ts';
import type { HostFolder } from '../plan/model-cache.ts';
import { checkProjectName } from './check-project-name.ts';
import type { GraphFlags } from './graph-flags.ts';
import { findHuggingFace } from './hugging-face.ts';
import type { Io } from './io.ts';
import { loadInfra } from './load-infra.ts';
import type { ProjectInput } from './load-project.ts';
import { operatorGeneration } from './operator-generation.ts';
import { parseScale } from './parse-scale.ts';
import { passedEnv } from './passed-env.ts';
import { readEnvFiles } from './read-env-files.ts';
import { readGraph } from './read-graph.ts';
import { findMissingHostPaths, readVolumeFlags } from './read-host-folders.ts';

/** The machine that a graph is laid out for. */
export interface Machine {
  readonly engine: LocalOptions['engine'] | Promise<LocalOptions['engine']>;
  /** Undefined: nobody is asked which images are here. */
  readonly runtime: Runtime | undefined;
  /** Instead of the caller's own. */
  readonly modelCache?: HostFolder;
  /** Processes and not containers run: what is installed decides the version, and there are no images. */
  readonly python?: Promise<DynamoPython>;
  /** Told the name of the project as soon as it is known. */
  readonly onProject?: (project: string) => void;
  /** What is done to the graph of the file first. */
  readonly change?: (graph: Graph) => Conversion;
}

/** A graph as containers, before anything is known of GPUs and of what runs. */
export interface LaidOutProject {
  readonly project: string;
  readonly graph: Graph;
  readonly resolved: ResolvedGraph;
  readonly options: LocalOptions;
  readonly built: ReturnType<typeof buildDesiredState>;
  readonly replicas: readonly LocalReplica[];
  readonly settleMs: number;
  /** Servers of `--infra-endpoints`. */
  readonly shared: InfraEndpoints | undefined;
  /** All that is to be said of a desired state of it. */
  readonly notices: (desired: DesiredState) => readonly Diagnostic[];
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

function noMock(): never {
  throw new UserError('INVALID_FLAG', '--mock looks for images on this machine', {
    hint: 'use it with up, plan or render --local',
  });
}

/** FILE as containers of a machine; changes nothing. Throws a UserError with every problem of the input (exit 2). */
export async function layOutProject(
  input: ProjectInput,
  flags: GraphFlags,
  io: Io,
  machine: Machine,
): Promise<LaidOutProject> {
  const generation = operatorGeneration(flags.operatorVersion);
  const chooser = imageChooser(flags.image);
  const images = { byComponent: chooser.byComponent, tag: flags.tag };
  const scale = parseScale(flags.scale ?? []);
  const perGpu = flags.shareGpus === true ? 2 : (flags.shareGpus ?? 1);
  const versions = parseComponentValues(flags.runtimeVersion ?? [], '--runtime-version');
  const claimsSoon = readVolumeFlags(flags.volume ?? [], io.env);
  claimsSoon.catch(() => undefined);
  const read = await readGraph(
    {
      ...input,
      flags,
      generation,
      onHost: machine.python !== undefined,
      image: chooser.choose,
      runtimeVersion: (component) => flags.tag ?? valueFor(versions, component),
    },
    io,
  );
  const { script } = read;
  const changed = machine.change?.(read.graph);
  const graph = changed?.graph ?? read.graph;
  const diagnostics = [...read.diagnostics, ...(changed?.diagnostics ?? [])];
  const written = resolveGraph(graph, { generation });
  const components = written.components.map((component) => component.name);
  chooser.check(written.components.map(({ name, podTemplate }) => ({ name, written: podTemplate })));
  checkComponentNames(scale, components, '--scale');
  checkComponentNames(versions, components, '--runtime-version');
  const project = checkProjectName(flags.project || io.env.DYNAMO_PROJECT || projectName(graph.name));
  machine.onProject?.(project);
  const [python, engine, infra, extraEnv, huggingFace, claimFolders] = await Promise.all([
    machine.python,
    machine.engine,
    loadInfra(flags.infraEndpoints, io, machine.python !== undefined),
    readEnvFiles(flags.envFile ?? []),
    findHuggingFace(io.env, io.env.HOME ?? homedir()),
    claimsSoon,
  ]);
  const mock = flags.mock
    ? await import('./mock-project.ts').then(({ mockProject }) =>
        mockProject({
          graph,
          resolved: written,
          ...(python === undefined
            ? { images, versions }
            : {
                images: { byComponent: new Map([['', `ai-dynamo:${python.dynamoVersion}`]]), tag: undefined },
                versions: new Map([['', python.dynamoVersion]]),
              }),
          generation,
          project,
          runtime: machine.runtime ?? noMock(),
          io,
        }),
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
        (python && { version: python.dynamoVersion, why: `ai-dynamo of ${python.path}` }) ??
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
    extraEnv: python ? new Map([...passedEnv(flags.envPass ?? [], io.env), ...extraEnv]) : extraEnv,
    hfCache: machine.modelCache ?? huggingFace.cache,
    workspace: script?.mountsTree ? { source: script.recording.tree, target: script.workspace } : undefined,
    claimFolders,
    missingHostPaths,
    adaptPod: adaptMocker,
  };
  const laidOut = buildDesiredState(resolved, options);
  throwOnErrors(laidOut.diagnostics);
  return {
    project,
    graph,
    resolved,
    options,
    built: laidOut,
    replicas: listReplicas(resolved, scale, perGpu),
    settleMs,
    shared: infra.shared,
    notices: (desired) => [
      ...assumptions.list(generation, flags.operatorVersion, graph.apiVersion),
      // A hole that --image has filled, or that stops everything under a name of its own, is not said again.
      ...diagnostics.filter((diagnostic) => diagnostic.code !== 'IMAGE_HOLE'),
      ...(mock?.notices ?? []),
      ...desired.notices,
    ],
  };
}
