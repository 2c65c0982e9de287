import { posix } from 'node:path';
import type { Diagnostic } from '../model/diagnostic.ts';
import { type Companions, type Graph, type GraphComponent, NO_COMPANIONS } from '../model/graph.ts';
import { projectName } from '../model/names.ts';
import { fromJson, list, map, mapAt, type Node, scalar } from '../model/node.ts';
import type { Origin } from '../model/origin.ts';
import { buildComponent, type ComponentEnv, type FileMount } from './build-component.ts';
import type { Backend, ClassifiedLaunch } from './classify-launch.ts';
import { groupUnits, makeUnit, type Unit, type UnitGroup, unitDemand } from './group-launches.ts';
import { useOfVariable } from './host-settings.ts';
import { Notes } from './interpret-notices.ts';
import { countOf, flagValue } from './launch-flags.ts';
import { findLoopbackReferences, joinLaunches, type LoopbackReference } from './loopback-links.ts';
import { componentName, uniqueNames } from './name-components.ts';
import type { Recording } from './recording.ts';
import { selectLaunches } from './select-launches.ts';

export interface InterpretOptions {
  /** `metadata.name`; left out: `<backend>-<script>` as upstream names its files (rule 3). */
  readonly name?: string;
  /** One image for every container; left out: NVIDIA's image of the backend at the runtime version. */
  readonly image?: string;
  readonly runtimeVersion?: string;
  /** Where the image has the script's tree. */
  readonly workspace?: string;
}

export interface Interpretation {
  /** v1beta1; every value's origin is the line of the launch it comes from. */
  readonly graph: Graph;
  /** Components that the script waits for before it starts another: YAML cannot say it, `up` keeps it. */
  readonly startAfter: ReadonlyMap<string, readonly string[]>;
  readonly diagnostics: readonly Diagnostic[];
}

const REPOSITORIES: Readonly<Record<Backend, string>> = {
  vllm: 'nvcr.io/nvidia/ai-dynamo/vllm-runtime',
  sglang: 'nvcr.io/nvidia/ai-dynamo/sglang-runtime',
  trtllm: 'nvcr.io/nvidia/ai-dynamo/tensorrtllm-runtime',
};
/** The tag that upstream's examples carry where none is known (facts/deployment-yaml.md §1.4). */
const UNKNOWN_TAG = 'my-tag';
/** The secret that upstream's workers read the Hugging Face token from (rule 10). */
const TOKEN_SECRET = 'hf-token-secret';
const SHARING = 'dynamo.local/shares-gpu-with';
const FRONTEND_PORT = 8000;

/**
 * Reads a recording as a graph, by the rules of facts/deployment-yaml.md §6.3: classify, drop what is of the host, join what speaks over
 * loopback, collapse equal launches into replicas. What cannot be a container is said by name and line; errors are in `diagnostics`.
 */
export function interpretRecording(recording: Recording, options: InterpretOptions = {}): Interpretation {
  const notes = new Notes(recording);
  const launches = selectLaunches(recording, notes);
  const references = findLoopbackReferences(launches);
  const units = joinLaunches(launches, references).flatMap((joined) => makeUnit(joined) ?? []);
  const groups = groupUnits(units);
  const names = uniqueNames(groups.map((group) => componentName(group.first.main)));
  const graphName = options.name ?? defaultName(recording, launches);
  const context: Context = {
    recording,
    options,
    notes,
    graphName,
    groups,
    names,
    references,
    launches,
    files: collectFiles(launches, notes),
  };
  sayGrouping(context);
  const components = buildComponents(context);
  return {
    graph: assembleGraph(context, components),
    startAfter: startOrder(context),
    diagnostics: [...recording.notices, ...notes.all()],
  };
}

interface Context {
  readonly recording: Recording;
  readonly options: InterpretOptions;
  readonly notes: Notes;
  readonly graphName: string;
  readonly groups: readonly UnitGroup[];
  readonly names: readonly string[];
  readonly references: readonly LoopbackReference[];
  readonly launches: readonly ClassifiedLaunch[];
  /** Contents by key, and the key of each path. */
  readonly files: { readonly contents: ReadonlyMap<string, string>; readonly keys: ReadonlyMap<string, string> };
}

interface BuiltComponents {
  readonly components: readonly GraphComponent[];
  readonly shared: readonly ComponentEnv[];
}

function originOf(recording: Recording, launch: ClassifiedLaunch | undefined): Origin {
  const file = launch?.launch.file ?? recording.script;
  return { kind: 'file', at: { file, line: launch?.launch.line ?? 1, col: 1 } };
}

function defaultName(recording: Recording, launches: readonly ClassifiedLaunch[]): string {
  const base = (recording.script.split('/').at(-1) ?? '').replace(/\.[a-z]*sh$/, '');
  const worker =
    launches.find((launch) => launch.backend !== undefined) ?? launches.find((launch) => launch.kind === 'mocker');
  const prefix = worker?.backend ?? (worker === undefined ? '' : 'mocker');
  return projectName(`${prefix}-${base}`);
}

function buildComponents(context: Context): BuiltComponents {
  const { groups, names, recording, options } = context;
  const words = new Set(context.launches.flatMap((launch) => launch.argv));
  const kept = new Map(
    groups.flatMap(({ first }) =>
      membersOf(first).map((launch): [number, readonly ComponentEnv[]] => [
        launch.index,
        keptEnv(context, launch, words),
      ]),
    ),
  );
  const shared = sharedEnv([...kept.values()]);
  const env = new Map(
    [...kept].map(([index, entries]): [number, readonly ComponentEnv[]] => [
      index,
      entries.filter((entry) => !shared.some((other) => other.name === entry.name)),
    ]),
  );
  const main = graphBackend(context.launches);
  const components = groups.map((group, index) => {
    const { first } = group;
    const members = membersOf(first);
    const backend = members.find((member) => member.backend !== undefined)?.backend ?? main;
    const isWorker = ['worker', 'engine', 'sidecar'].includes(first.main.kind) && backend !== undefined;
    const image = options.image ?? `${REPOSITORIES[backend ?? 'vllm']}:${options.runtimeVersion ?? UNKNOWN_TAG}`;
    const paths = [...new Set(members.flatMap((member) => member.launch.files.map((file) => file.path)))];
    const files = paths.flatMap((path): readonly FileMount[] => {
      const key = context.files.keys.get(path);
      return key === undefined ? [] : [{ path: toWorkspace(context, path), key }];
    });
    return buildComponent({
      name: names[index] ?? first.main.program,
      group,
      image,
      imageOrigin: options.image === undefined ? originOf(recording, first.main) : { kind: 'flag', flag: '--image' },
      env,
      argv: new Map(members.map((member) => [member.index, rewriteWords(context, member)])),
      workingDir: workingDirectory(context, first.main),
      secret: isWorker ? TOKEN_SECRET : undefined,
      configMap: `${context.graphName}-files`,
      files,
      annotations: sharingOf(context, index),
      originOf: (launch) => originOf(recording, launch),
    });
  });
  return { components, shared };
}

function membersOf(unit: Unit): readonly ClassifiedLaunch[] {
  return [unit.main, ...unit.beside];
}

function graphBackend(launches: readonly ClassifiedLaunch[]): Backend | undefined {
  return launches.find((launch) => launch.backend !== undefined)?.backend;
}

/** Variables that stay with a launch; every drop is said once per name. A router mode that is the frontend's only setting becomes one. */
function keptEnv(context: Context, launch: ClassifiedLaunch, words: ReadonlySet<string>): readonly ComponentEnv[] {
  const entries = Object.entries(launch.launch.env).flatMap(([name, value]): readonly ComponentEnv[] => {
    const use = useOfVariable(name, value, launch, words);
    if (use.keep) return [{ name, value: rewriteText(context, launch, value) }];
    if (use.reason !== undefined)
      context.notes.say('notice', 'SETTING_DROPPED', `${name} is left out: ${use.reason}`, launch);
    return [];
  });
  if (launch.kind !== 'frontend') return entries;
  const port = flagValue(launch.argv, '--http-port');
  if (port !== undefined && port !== String(FRONTEND_PORT)) {
    context.notes.say(
      'notice',
      'SETTING_DROPPED',
      `--http-port ${port} is left out: frontends listen on ${FRONTEND_PORT} in their containers`,
      launch,
    );
  }
  const mode = flagValue(launch.argv, '--router-mode');
  const rest = launch.argv.filter(
    (word, index) => index > 2 && word.startsWith('--') && !/^--(?:http-port|http-host|router-mode)(?:=|$)/.test(word),
  );
  if (mode === undefined || rest.length > 0) return entries;
  return [...entries.filter((entry) => entry.name !== 'DYN_ROUTER_MODE'), { name: 'DYN_ROUTER_MODE', value: mode }];
}

/** What every launch exports alike goes to the graph. */
function sharedEnv(all: readonly (readonly ComponentEnv[])[]): readonly ComponentEnv[] {
  if (all.length < 2) return [];
  return (all[0] ?? []).filter((entry) =>
    all.every((entries) => entries.some((other) => other.name === entry.name && other.value === entry.value)),
  );
}

function rewriteWords(context: Context, launch: ClassifiedLaunch): readonly string[] {
  return launch.argv.map((word, index) => (index === 0 ? word : rewriteText(context, launch, word)));
}

/** Paths of the script's tree become those of the workspace in the image; addresses of the frontend become its service. */
function rewriteText(context: Context, launch: ClassifiedLaunch, text: string): string {
  const { references, names, groups, graphName } = context;
  const ours = references.filter((reference) => reference.from === launch.index && text.includes(reference.address));
  const addressed = ours.reduce((result, { address, to }) => {
    const group = groups.findIndex(({ units }) => units.some((unit) => unit.main.index === to));
    const target = group < 0 ? undefined : groups[group];
    if (target === undefined || target.first.main.kind !== 'frontend') return result;
    return result.replaceAll(address, `${graphName}-${(names[group] ?? '').toLowerCase()}:${FRONTEND_PORT}`);
  }, text);
  return toWorkspace(context, addressed);
}

function toWorkspace({ recording, options }: Context, text: string): string {
  const workspace = options.workspace ?? '/workspace';
  const moved = text.replaceAll(`${recording.tree}/`, `${workspace}/`);
  return moved.includes(`${workspace}/`)
    ? moved.replace(/\/[^\s"':=]*\/\.\.?(?:\/[^\s"':=]*|$)/g, (path) => posix.normalize(path))
    : moved;
}

/** Set where an argument is relative to it. */
function workingDirectory(context: Context, launch: ClassifiedLaunch): string | undefined {
  const relative =
    launch.argv.some(
      (word, index) => index > 0 && /^(?:\.{1,2}\/)?[\w-][\w./-]*\.(?:py|ya?ml|json|jinja|toml)$/.test(word),
    ) || /^(?:examples|components)\./.test(launch.program);
  if (!relative) return undefined;
  const { cwd } = launch.launch;
  return cwd === context.recording.tree ? (context.options.workspace ?? '/workspace') : toWorkspace(context, cwd);
}

function collectFiles(launches: readonly ClassifiedLaunch[], notes: Notes): Context['files'] {
  const contents = new Map<string, string>();
  const keys = new Map<string, string>();
  for (const launch of launches) {
    for (const { path, content } of launch.launch.files) {
      if (keys.has(path)) continue;
      if (content === undefined) {
        notes.say(
          'warning',
          'FILE_TOO_LARGE',
          `${path}, written by the script, is larger than a ConfigMap may be`,
          launch,
        );
        continue;
      }
      const base = (path.split('/').at(-1) ?? 'file').replace(/[^\w.-]/g, '_');
      const key = contents.has(base) ? `${keys.size}-${base}` : base;
      contents.set(key, content);
      keys.set(path, key);
    }
  }
  return { contents, keys };
}

function sharingOf({ groups, names }: Context, index: number): Readonly<Record<string, string>> {
  const devicesOf = (group: UnitGroup | undefined) => (group?.units ?? []).flatMap((unit) => unitDemand(unit).devices);
  const mine = devicesOf(groups[index]);
  const others = groups.flatMap((group, other) =>
    other !== index && devicesOf(group).some((device) => mine.includes(device)) ? [names[other] ?? ''] : [],
  );
  const withItself = new Set(mine).size < mine.length ? [names[index] ?? ''] : [];
  const sharing = [...withItself, ...others];
  return sharing.length === 0 ? {} : { [SHARING]: sharing.join(',') };
}

function sayGrouping(context: Context): void {
  const { groups, names, notes, launches, references } = context;
  for (const [index, group] of groups.entries()) {
    const { main, beside } = group.first;
    const name = names[index] ?? '';
    const sharing = sharingOf(context, index)[SHARING];
    if (sharing !== undefined)
      notes.say(
        'notice',
        'GPU_SHARED',
        `${name} shares a GPU with ${sharing.replaceAll(',', ', ')}, as in the script`,
        main,
      );
    const size = countOf(flagValue(main.argv, '--data-parallel-size', '--data_parallel_size'));
    const ranks = [main, ...beside].filter(
      (launch) => flagValue(launch.argv, '--data-parallel-rank', '--data_parallel_rank') !== undefined,
    ).length;
    if (size !== undefined && ranks > 0 && ranks < size) {
      notes.say(
        'error',
        'SEVERAL_NODES',
        `${main.program} is started with ${ranks} of ${size} ranks: the others are on another node`,
        main,
        'write it as multinode.nodeCount of a component',
      );
    }
    if (main.launch.env.HABANA_VISIBLE_DEVICES !== undefined || main.launch.env.ZE_AFFINITY_MASK !== undefined) {
      notes.say(
        'warning',
        'DEVICE_KIND',
        `${name} asks for NVIDIA GPUs in place of the devices that the script names`,
        main,
      );
    }
    if (beside.length > 0)
      notes.say(
        'notice',
        'JOINED',
        `${[...beside, main].map((launch) => launch.program).join(' and ')} speak over loopback: one replica of ${name}`,
        main,
      );
    if (main.kind === 'frontend' && group.units.length > 1)
      notes.say(
        'notice',
        'FRONTENDS_MERGED',
        `${group.units.length} frontends on ports of their own become replicas of ${name}`,
        main,
      );
    if (main.kind === 'unknown')
      notes.say('warning', 'PROGRAM_UNKNOWN', `${main.program} is not known: it becomes the component ${name}`, main);
  }
  for (const { from, to, address } of references) {
    const speaker = launches.find((launch) => launch.index === from);
    if (to === undefined)
      notes.say(
        'warning',
        'ADDRESS_LOCAL',
        `${speaker?.program} speaks to ${address}, which nothing in this graph listens on`,
        speaker,
        'give an address that containers reach',
      );
  }
  if (launches.length > 0 && !launches.some((launch) => launch.kind === 'frontend'))
    notes.say('notice', 'NO_FRONTEND', 'the script starts no frontend');
}

/** Components that another one waits for: by a poll, or by being started while the first still had to answer. */
function startOrder({ groups, names, launches }: Context): ReadonlyMap<string, readonly string[]> {
  const nameOf = (index: number) =>
    names[
      groups.findIndex(({ units }) => units.some((unit) => membersOf(unit).some((member) => member.index === index)))
    ];
  const order = new Map<string, readonly string[]>();
  const waited = new Set<string>();
  for (const launch of launches) {
    for (const wait of launch.launch.after) {
      const target = wait.kind === 'poll' && wait.launch !== undefined ? nameOf(wait.launch) : undefined;
      if (target !== undefined) waited.add(target);
    }
    const name = nameOf(launch.index);
    const before = [...waited].filter((other) => other !== name);
    if (name !== undefined && before.length > 0) order.set(name, [...new Set([...(order.get(name) ?? []), ...before])]);
  }
  return order;
}

function assembleGraph(context: Context, { components, shared }: BuiltComponents): Graph {
  const { recording, launches, graphName, files } = context;
  const origin = originOf(recording, launches[0]);
  const backends = [...new Set(launches.flatMap((launch) => launch.backend ?? []))];
  const framework: readonly (readonly [string, Node])[] =
    backends.length === 1 && backends[0] !== undefined ? [['backendFramework', scalar(backends[0], origin)]] : [];
  const env: readonly (readonly [string, Node])[] =
    shared.length === 0
      ? []
      : [
          [
            'env',
            fromJson(
              shared.map(({ name, value }) => ({ name, value })),
              origin,
            ),
          ],
        ];
  const spec = map(
    [
      ...framework,
      ...env,
      [
        'components',
        list(
          components.map((component) => component.written),
          origin,
        ),
      ],
    ],
    origin,
  );
  const metadata = map([['name', scalar(graphName, origin)]], origin);
  return {
    apiVersion: 'nvidia.com/v1beta1',
    name: graphName,
    namespace: undefined,
    metadata,
    spec,
    components,
    companions: companionsOf(`${graphName}-files`, files.contents, origin),
    origin,
  };
}

function companionsOf(name: string, contents: ReadonlyMap<string, string>, origin: Origin): Companions {
  if (contents.size === 0) return NO_COMPANIONS;
  const document = fromJson(
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: Object.fromEntries(contents) },
    origin,
  );
  const node = mapAt(document);
  return node === undefined ? NO_COMPANIONS : { ...NO_COMPANIONS, configMaps: new Map([[name, node]]) };
}
