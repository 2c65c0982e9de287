import { type Diagnostic, UserError } from '../model/diagnostic.ts';
import { itemsAt, list, type MapNode, mapAt, type Node, scalar, stringAt, withField } from '../model/node.ts';
import type { ResolvedComponent, ResolvedGraph } from '../model/resolved-graph.ts';
import type { RuntimeFacts } from '../model/runtime-facts.ts';
import { isAtLeast } from '../model/version.ts';
import { adaptFrontend } from './adapt-frontend.ts';
import { type MockModel, mockModel } from './mock-model.ts';
import { MOCK, mockContainer, mockSpec, splitVolumes } from './mock-pod.ts';
import { engineFlags, type MockRole, readWorkerFlags, roleFlags, type WorkerFlags } from './mocker-flags.ts';
import { literalEnv, type ModuleLaunch, readLaunch } from './read-launch.ts';

/** Modules whose workers the mocker stands for; it stays itself. */
const WORKER = /^dynamo\.(?:vllm|sglang|trtllm|tokenspeed|llama_cpp|mocker)\b/;
/** Modules that run on a CPU as they are. */
const AS_IS = /^dynamo\.(?:frontend|router|global_router)\b/;
/** Modules that are of no use without engines or without a cluster. */
const USELESS = /^dynamo\.(?:planner|global_planner|profiler)\b/;

export interface MockOptions {
  /** The image that every Dynamo component runs, and what is known of its version. */
  readonly image: string;
  readonly runtime: RuntimeFacts;
  /** Folder of a model in the user's hub cache. */
  readonly findModel: (id: string) => string | undefined;
}

export interface MockedGraph {
  readonly resolved: ResolvedGraph;
  /** Components that run on the mock image. */
  readonly mocked: ReadonlySet<string>;
  /** One for each component that is not what the file says. */
  readonly notices: readonly Diagnostic[];
}

interface Worker {
  readonly launch: ModuleLaunch;
  readonly flags: WorkerFlags;
  readonly role: MockRole | 'other';
  readonly model: MockModel;
}

function mainOf(component: ResolvedComponent): MapNode | undefined {
  const containers = itemsAt(component.podTemplate, 'spec', 'containers').filter(
    (item): item is MapNode => item.kind === 'map',
  );
  return containers.find((item) => stringAt(item, 'name') === 'main') ?? containers[0];
}

/** Images of the graph's workers as written, in file order: the first that is here can run the mocker. */
export function workerImages(
  graph: ResolvedGraph,
): readonly { readonly component: ResolvedComponent; readonly image: string }[] {
  return graph.components.flatMap((component) => {
    const main = mainOf(component);
    return main && WORKER.test(readLaunch(main)?.module ?? '')
      ? [{ component, image: stringAt(main, 'image') ?? '' }]
      : [];
  });
}

function readWorker(component: ResolvedComponent, options: MockOptions): Worker | undefined {
  const main = mainOf(component);
  const launch = main ? readLaunch(main) : undefined;
  if (!launch || !WORKER.test(launch.module)) return undefined;
  const { version } = options.runtime;
  const flags = readWorkerFlags(launch.args, version);
  const typed = [component.subType ?? component.type, launch.module.includes('decode_worker') ? 'decode' : ''];
  const role =
    flags.role ?? (typed.includes('prefill') ? 'prefill' : typed.includes('decode') ? 'decode' : 'aggregated');
  const wish = {
    model: flags.model ?? (launch.module === 'dynamo.vllm' ? 'Qwen/Qwen3-0.6B' : undefined),
    servedName: flags.servedName,
  };
  // Nothing says that a mocker has no roles before 0.6: its prefill worker would answer requests.
  const unfit = role === 'prefill' && !isAtLeast(version, 0, 6);
  return { launch, flags, role: unfit ? 'other' : role, model: mockModel(wish, version, options.findModel) };
}

/**
 * The same graph for a CPU: every engine a mocker of the same name, role, namespace, replicas and probes on one image, frontends and
 * routers as they are. Throws MOCK_UNSUPPORTED when no worker can be one.
 */
export function mockGraph(graph: ResolvedGraph, options: MockOptions): MockedGraph {
  const workers = new Map(
    graph.components.flatMap((component) => {
      const worker = readWorker(component, options);
      return worker ? [[component.name, worker] as const] : [];
    }),
  );
  const usable = [...workers.values()].filter(({ role }) => role !== 'other');
  if (workers.size > 0 && usable.length === 0) {
    throw new UserError(
      'MOCK_UNSUPPORTED',
      `no worker of ${graph.name} can be a mocker: it answers chats and completions alone`,
    );
  }
  const prefilled = new Set(usable.filter(({ role }) => role === 'prefill').map(({ model }) => model.name));
  const models = [...new Map(usable.map(({ model }) => [model.path, model])).values()];
  const mocked = new Set<string>();
  const notices: Diagnostic[] = [];
  const say = (component: ResolvedComponent, message: string) => {
    const { origin } = component;
    notices.push({
      severity: 'notice',
      code: 'MOCK',
      message: `${component.name}: ${message}`,
      ...(origin.kind === 'file' ? { at: origin.at } : {}),
    });
  };
  const components = graph.components.flatMap((component): readonly ResolvedComponent[] => {
    const worker = workers.get(component.name);
    const module = readLaunch(mainOf(component) ?? scalar(null, MOCK))?.module ?? '';
    if (worker?.role === 'other' || USELESS.test(module)) {
      say(component, `left out: nothing stands in for ${module} ${worker ? 'in this role' : 'without engines'}`);
      return [];
    }
    if (worker) {
      const role = worker.role === 'aggregated' && prefilled.has(worker.model.name) ? 'decode' : worker.role;
      const changed = mockWorker(component, { ...worker, role }, options);
      say(component, changed.said);
      mocked.add(component.name);
      return [changed.component];
    }
    if (component.type === 'frontend' || AS_IS.test(module)) {
      mocked.add(component.name);
      const changed = mockOther(component, options, models);
      if (changed.said) say(component, changed.said);
      return [changed.component];
    }
    if (component.type !== 'planner' && component.type !== 'epp')
      say(component, 'kept as it is: nothing is known to stand in for what it runs');
    return [component];
  });
  return { resolved: { ...graph, components }, mocked, notices };
}

function withSpec(component: ResolvedComponent, spec: MapNode): ResolvedComponent {
  return {
    ...component,
    nodeCount: 1,
    gpuClaims: new Map(),
    podTemplate: withField(component.podTemplate, 'spec', spec),
  };
}

function words(texts: readonly string[]): Node {
  return list(
    texts.map((text) => scalar(text, MOCK)),
    MOCK,
  );
}

function mockWorker(
  component: ResolvedComponent,
  worker: Worker,
  options: MockOptions,
): { readonly component: ResolvedComponent; readonly said: string } {
  const spec = mapAt(component.podTemplate, 'spec');
  const main = mainOf(component);
  if (!spec || !main) return { component, said: '' };
  const { launch, flags, model } = worker;
  const { version } = options.runtime;
  const namespace = literalEnv(main).get('DYN_NAMESPACE') ?? 'dynamo';
  const own = new Map([...flags.args, ...engineFlags(launch.module, flags.args, version)]);
  // 0.4 registers in the namespace `dynamo` whatever the environment says.
  if (!isAtLeast(version, 0, 6) && !own.has('--endpoint')) own.set('--endpoint', `dyn://${namespace}.backend.generate`);
  const role = roleFlags(worker.role, options.runtime, namespace);
  if (role.includes('--endpoint')) own.delete('--endpoint');
  const args = [
    ...['-m', 'dynamo.mocker', '--model-path', model.path, '--model-name', model.name],
    ...role,
    ...[...own].flatMap(([flag, value]) => (value === undefined ? [flag] : [flag, value])),
  ];
  const change = { kind: 'worker', image: options.image, models: [model] } as const;
  const { kept, left } = splitVolumes(spec, 'worker');
  const container = withField(
    withField(mockContainer(main, change, kept), 'command', words(['python3'])),
    'args',
    words(args),
  );
  const others = [...itemsAt(spec, 'initContainers'), ...itemsAt(spec, 'containers')].filter((item) => item !== main);
  const frontends = others.filter(
    (item): item is MapNode => item.kind === 'map' && AS_IS.test(readLaunch(item)?.module ?? ''),
  );
  const gone = others
    .filter((item) => !frontends.some((frontend) => frontend === item))
    .map((item) => stringAt(item, 'name') ?? 'a container');
  const containers = [container, ...frontends.map((item) => mockContainer(item, change, kept))];
  const changed = withField(mockSpec(spec, containers, change, kept), 'initContainers', undefined);
  const out = [
    ...flags.leftOut,
    ...(main.fields.has('resources') ? ['resources'] : []),
    ...left.map((name) => `volume ${name}`),
    ...gone.map((name) => `container ${name}`),
    ...(component.nodeCount > 1 ? [`${component.nodeCount - 1} more nodes`] : []),
  ];
  const stands =
    model.cached === undefined
      ? `a model without weights stands for ${model.name}`
      : `configuration and tokenizer of ${model.cached} come from your cache`;
  return {
    component: withSpec(component, changed),
    said: `${launch.module} is dynamo.mocker; ${stands}${out.length > 0 ? `; left out: ${[...new Set(out)].join(', ')}` : ''}`,
  };
}

function mockOther(
  component: ResolvedComponent,
  options: MockOptions,
  models: readonly MockModel[],
): { readonly component: ResolvedComponent; readonly said: string } {
  const spec = mapAt(component.podTemplate, 'spec');
  if (!spec) return { component, said: '' };
  const main = mainOf(component);
  const change = { kind: 'other', image: options.image, models } as const;
  const { kept, left } = splitVolumes(spec, 'other');
  const out: string[] = left.map((name) => `volume ${name}`);
  const containers = itemsAt(spec, 'containers').map((item): Node => {
    if (item.kind !== 'map' || (item !== main && !AS_IS.test(readLaunch(item)?.module ?? ''))) return item;
    const adapted = adaptFrontend(item, options.runtime.version);
    out.push(...adapted.leftOut);
    return mockContainer(adapted.container, change, kept);
  });
  return {
    component: withSpec(component, mockSpec(spec, containers, change, kept)),
    said: out.length > 0 ? `left out: ${[...new Set(out)].join(', ')}` : '',
  };
}
