import type { Diagnostic } from '../model/diagnostic.ts';
import { type Companions, type Graph, type GraphComponent, NO_COMPANIONS } from '../model/graph.ts';
import { LOCAL_ANNOTATION } from '../model/local-annotations.ts';
import { projectName } from '../model/names.ts';
import { fromJson, list, map, mapAt, type Node, scalar } from '../model/node.ts';
import type { Origin } from '../model/origin.ts';
import { buildComponent, type FileMount } from './build-component.ts';
import { chooseImage } from './choose-image.ts';
import type { ClassifiedLaunch } from './classify-launch.ts';
import {
  collectFiles,
  configMapKey,
  keptEnv,
  mountPathOf,
  rewriteWords,
  sharedEnv,
  workingDirectory,
} from './component-values.ts';
import { groupUnits, makeUnit, membersOf } from './group-launches.ts';
import { sayGrouping, sayStreams, sharingOf } from './grouping-notices.ts';
import { type InterpretContext, type InterpretOptions, originOf } from './interpret-context.ts';
import { Notes } from './interpret-notices.ts';
import { devicesInPodOrder, mainProcesses } from './joined-processes.ts';
import { findLoopbackReferences, joinLaunches } from './loopback-links.ts';
import { componentName, uniqueNames } from './name-components.ts';
import type { Recording } from './recording.ts';
import { type ComponentEnv, collectSecrets, envEntry, secretValues, TOKEN_SECRET } from './secret-settings.ts';
import { selectLaunches } from './select-launches.ts';
import { startOrder } from './start-order.ts';

export interface Interpretation {
  /** v1beta1; every value's origin is the line of the launch it comes from. */
  readonly graph: Graph;
  /** Components that the script waits for before it starts another: YAML cannot say it, `up` keeps it. */
  readonly startAfter: ReadonlyMap<string, readonly string[]>;
  /** Lines of the launches of each component, those of all its replicas. */
  readonly lines: ReadonlyMap<string, readonly number[]>;
  /** Values that the graph only refers to, by Secret and key: what `up` gives the containers and nothing else may show. */
  readonly secrets: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads a recording as a graph, by the rules of facts/deployment-yaml.md §6.3: classify, drop what is of the host, join what speaks over
 * loopback, collapse equal launches into replicas. What cannot be a container is said by name and line; errors are in `diagnostics`.
 */
export function interpretRecording(recording: Recording, options: InterpretOptions = {}): Interpretation {
  const script = options.file ?? recording.script;
  const notes = new Notes(script);
  const noticed = recording.notices.map((notice) =>
    notice.at?.file === recording.script ? { ...notice, at: { ...notice.at, file: script } } : notice,
  );
  const launches = selectLaunches(recording, notes);
  const references = findLoopbackReferences(launches);
  const units = joinLaunches(launches, references, recording.tree).flatMap((joined) => makeUnit(joined) ?? []);
  const groups = groupUnits(units);
  const names = uniqueNames(groups.map((group) => componentName(group.first.main)));
  const graphName = options.name ?? defaultName(recording, launches);
  const context: InterpretContext = {
    recording,
    options,
    notes,
    graphName,
    groups,
    names,
    references,
    launches,
    files: collectFiles(launches, notes),
    secretValues: secretValues(launches),
    startAfter: startOrder(groups, names, launches),
  };
  sayGrouping(context);
  sayStreams(context);
  const components = buildComponents(context);
  return {
    graph: assembleGraph(context, components),
    startAfter: context.startAfter,
    lines: new Map(
      groups.map(({ units }, index) => [
        names[index] ?? '',
        units.flatMap((unit) => membersOf(unit).map(({ launch }) => launch.line)),
      ]),
    ),
    secrets: collectSecrets(launches, graphName),
    diagnostics: [...noticed, ...notes.all()],
  };
}

interface BuiltComponents {
  readonly components: readonly GraphComponent[];
  readonly shared: readonly ComponentEnv[];
}

function defaultName(recording: Recording, launches: readonly ClassifiedLaunch[]): string {
  const base = (recording.script.split('/').at(-1) ?? '').replace(/\.[a-z]*sh$/, '');
  const worker =
    launches.find((launch) => launch.backend !== undefined) ?? launches.find((launch) => launch.kind === 'mocker');
  const prefix = worker?.backend ?? (worker === undefined ? '' : 'mocker');
  return projectName(`${prefix}-${base}`);
}

function buildComponents(context: InterpretContext): BuiltComponents {
  const { groups, names } = context;
  const words = new Set(context.launches.flatMap((launch) => launch.argv));
  const kept = new Map(
    groups.flatMap(({ first }) =>
      membersOf(first).map((launch): [number, readonly ComponentEnv[]] => [
        launch.index,
        keptEnv(context, launch, words, mainProcesses(first).length > 1),
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
  const components = groups.map((group, index) => {
    const { first } = group;
    const members = membersOf(first);
    const name = names[index] ?? first.main.program;
    const isWorker =
      ['worker', 'engine', 'sidecar'].includes(first.main.kind) &&
      context.launches.some((launch) => launch.backend !== undefined);
    const { image, given } = chooseImage(context, name, members, context.launches);
    const files = mountsOf(context, members);
    return buildComponent({
      name,
      group,
      image,
      imageOrigin: given ? { kind: 'flag', flag: '--image' } : originOf(context, first.main),
      env,
      argv: new Map(members.map((member) => [member.index, rewriteWords(context, member)])),
      workingDir: workingDirectory(context, first.main),
      secret: isWorker ? TOKEN_SECRET : undefined,
      configMap: `${context.graphName}-files`,
      files,
      annotations: annotationsOf(context, index),
      polled: polledAddresses(context),
      tree: context.recording.tree,
      originOf: (launch) => originOf(context, launch),
    });
  });
  return { components, shared };
}

/** Where the script asks a launch whether it is ready, by index of the launch; HTTP alone. */
function polledAddresses({ launches }: InterpretContext): ReadonlyMap<number, URL> {
  return new Map(
    launches.flatMap(({ launch }) =>
      launch.after.flatMap((wait): readonly (readonly [number, URL])[] => {
        if (wait.kind !== 'poll' || wait.launch === undefined) return [];
        const text = wait.url.includes('://') ? wait.url : `http://${wait.url}`;
        return URL.canParse(text) && text.startsWith('http') ? [[wait.launch, new URL(text)]] : [];
      }),
    ),
  );
}

/** Files of a replica's processes, each path once: of two contents of one path the later one, which is said. */
function mountsOf(context: InterpretContext, members: readonly ClassifiedLaunch[]): readonly FileMount[] {
  const mounts = new Map<string, string>();
  for (const member of members) {
    for (const file of member.launch.files) {
      const key = configMapKey(context, file);
      if (key === undefined) continue;
      const path = mountPathOf(context, file);
      if (mounts.has(path) && mounts.get(path) !== key)
        context.notes.say(
          'warning',
          'FILE_REWRITTEN',
          `${path} is written anew for ${member.program}, which shares a container with others: all of them see the later one`,
          member,
        );
      mounts.set(path, key);
    }
  }
  return [...mounts].map(([path, key]) => ({ path, key }));
}

/** What only this machine can honour: GPUs that processes share, and the order in which the script starts them. */
function annotationsOf(context: InterpretContext, index: number): Readonly<Record<string, string>> {
  const { groups, names, startAfter } = context;
  const after = startAfter.get(names[index] ?? '') ?? [];
  const slots = (groups[index]?.units ?? []).flatMap(devicesInPodOrder);
  return {
    ...(sharingOf(context, index).length > 0 ? { [LOCAL_ANNOTATION.gpuSlots]: slots.join(',') } : {}),
    ...(after.length > 0 ? { [LOCAL_ANNOTATION.startAfter]: after.join(',') } : {}),
  };
}

function assembleGraph(context: InterpretContext, { components, shared }: BuiltComponents): Graph {
  const { launches, graphName, files } = context;
  const origin = originOf(context, launches[0]);
  const backends = [...new Set(launches.flatMap((launch) => launch.backend ?? []))];
  const framework: readonly (readonly [string, Node])[] =
    backends.length === 1 && backends[0] !== undefined ? [['backendFramework', scalar(backends[0], origin)]] : [];
  const env: readonly (readonly [string, Node])[] =
    shared.length === 0 ? [] : [['env', fromJson(shared.map(envEntry), origin)]];
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
