import { type Command, Option } from 'commander';
import { suggestName } from '../dgd/suggest-name.ts';
import { formatDiagnostic, UserError } from '../model/diagnostic.ts';
import type { Companions } from '../model/graph.ts';
import { type Json, mapAt, type Node, stringAt, toJson } from '../model/node.ts';
import { formatPosition, type Origin } from '../model/origin.ts';
import type { KnownKeys } from '../operator/describe-env.ts';
import { overrideImage, parseComponentValues, valueFor } from '../plan/image-overrides.ts';
import { addGraphFlags, type GraphFlags } from './graph-flags.ts';
import { type Io, print, printJson, say } from './io.ts';
import { operatorGeneration } from './operator-generation.ts';
import { readGraph } from './read-graph.ts';

interface ExplainFlags extends GraphFlags {
  readonly format: string;
}

interface Explained {
  readonly path: string;
  readonly value: Json;
  readonly from: string;
  readonly origin: Origin;
  /** The cluster's, where this machine deviates from it. */
  readonly cluster?: { readonly value: Json; readonly from: string; readonly origin: Origin };
}

/** `dynamo explain`: where each value of a graph comes from; needs neither Docker nor a cluster. */
export function registerExplain(program: Command, io: Io): void {
  addGraphFlags(
    program
      .command('explain')
      .description('say where a value comes from: COMPONENT.env.NAME, COMPONENT.image, COMPONENT.probes…')
      .argument('<file>', 'YAML file, launch script, or - for YAML on stdin')
      .argument('[path]', 'a value, or what stands before it (default: everything)'),
  )
    .addOption(new Option('--format <format>').choices(['text', 'json']).default('text'))
    .action((file: string, path: string | undefined, flags: ExplainFlags) => explain(file, path, flags, io));
}

async function explain(file: string, path: string | undefined, flags: ExplainFlags, io: Io): Promise<void> {
  const generation = operatorGeneration(flags.operatorVersion);
  const read = await readGraph({ file, scriptArgs: [], flags, generation }, io);
  for (const diagnostic of read.diagnostics) say(io, formatDiagnostic(diagnostic));
  const all = await explainGraph(read.graph, flags);
  const found = path === undefined ? all : select(all, normalize(path));
  if (found.length === 0) throw unknownPath(path ?? '', all);
  if (flags.format === 'json') return printJson(io, found);
  print(io, found.map(formatExplained).join('\n'));
}

async function explainGraph(
  graph: Awaited<ReturnType<typeof readGraph>>['graph'],
  flags: ExplainFlags,
): Promise<readonly Explained[]> {
  const generation = operatorGeneration(flags.operatorVersion);
  const [
    { resolveGraph },
    { describeComponent, listValues },
    { applyDeviations },
    { runtimeFacts },
    { runtimeVersionOf },
    { adaptMocker },
  ] = await Promise.all([
    import('../operator/resolve-graph.ts'),
    import('../operator/describe-component.ts'),
    import('../plan/deviations.ts'),
    import('../operator/runtime-facts.ts'),
    import('../operator/runtime-version.ts'),
    import('../mock/adapt-mocker.ts'),
  ]);
  const known = knownKeys(graph.companions);
  const images = { byComponent: parseComponentValues(flags.image ?? [], '--image'), tag: flags.tag };
  const versions = parseComponentValues(flags.runtimeVersion ?? [], '--runtime-version');
  return resolveGraph(graph, { generation }).components.flatMap((component) => {
    const written = graph.components.find(({ name }) => name === component.name)?.written;
    const cluster = describeComponent(component, component.podTemplate, known, written);
    const image = overrideImage(stringAt(cluster, 'image') ?? '', component.name, images);
    const flag = valueFor(versions, component.name);
    const { version, why } = runtimeVersionOf({ flag, written: component.runtimeVersionOverride, image, generation });
    const runtime = runtimeFacts(version);
    const { podTemplate } = applyDeviations({
      component: component.name,
      podTemplate: adaptMocker(component.podTemplate, runtime).podTemplate,
      context: {
        project: graph.name,
        runtime,
        infra: { etcd: 'http://etcd:2379', nats: 'nats://nats:4222', shared: false },
      },
    });
    const before = new Map(listValues(cluster));
    const values = listValues(describeComponent(component, podTemplate, known, written)).map(([path, node]) =>
      compare(`${component.name}.${path}`, node, before.get(path)),
    );
    const origin: Origin = { kind: 'runtime', version, source: why };
    const own = values.map((one) => (one.path === `${component.name}.image` ? withImage(one, image, flags) : one));
    return [...own, { path: `${component.name}.runtimeVersion`, value: version, from: formatOrigin(origin), origin }];
  });
}

function knownKeys({ secrets, configMaps }: Companions): KnownKeys {
  const keysOf = (objects: Companions['secrets'], fields: readonly string[]) =>
    new Map(
      [...objects].map(([name, object]) => [
        name,
        fields.flatMap((field) => [...(mapAt(object, field)?.fields.keys() ?? [])]),
      ]),
    );
  return { secrets: keysOf(secrets, ['data', 'stringData']), configMaps: keysOf(configMaps, ['data']) };
}

function withImage(written: Explained, image: string, flags: ExplainFlags): Explained {
  if (written.value === image) return written;
  const origin: Origin = { kind: 'flag', flag: flags.tag === undefined ? '--image' : '--tag' };
  const { path, value, from, origin: before } = written;
  return { path, value: image, from: formatOrigin(origin), origin, cluster: { value, from, origin: before } };
}

function compare(path: string, node: Node, cluster: Node | undefined): Explained {
  const { origin } = node;
  const here = { path, value: toJson(node), from: formatOrigin(origin), origin };
  if (!cluster || JSON.stringify(toJson(cluster)) === JSON.stringify(here.value)) return here;
  const value = toJson(cluster);
  return { ...here, cluster: { value, from: formatOrigin(cluster.origin), origin: cluster.origin } };
}

/** Kubernetes' own names are taken too: `livenessProbe.httpGet.path`. */
function normalize(path: string): string {
  return path
    .replace(/\.(liveness|readiness|startup)Probe(?=\.|$)/, '.probes.$1')
    .replace(/(\.probes\.\w+)\.httpGet(?=\.|$)/, '$1');
}

function select(all: readonly Explained[], path: string): readonly Explained[] {
  return all.filter((one) => one.path === path || one.path.startsWith(`${path}.`));
}

function unknownPath(path: string, all: readonly Explained[]): UserError {
  const known = new Set(
    all.flatMap(({ path: one }) => one.split('.').map((_, end, parts) => parts.slice(0, end + 1).join('.'))),
  );
  const meant = suggestName(path, [...known]);
  const components = [...new Set(all.map((one) => one.path.split('.')[0]))].join(', ');
  const hint = meant ? `did you mean "${meant}"?` : `a path begins with a component: ${components}`;
  return new UserError('PATH_UNKNOWN', `the graph has no value "${path}"`, { hint });
}

function formatOrigin(origin: Origin): string {
  switch (origin.kind) {
    case 'file':
      return formatPosition(origin.at);
    case 'operator':
      return `default of operator ${origin.generation} (${origin.source})`;
    case 'runtime':
      return `runtime ${origin.version} (${origin.source})`;
    case 'local':
      return `local deviation ${origin.deviation}: ${origin.reason}`;
    case 'flag':
      return origin.flag;
  }
}

/** A reference is told in words: what it names is nobody's to see. */
function formatValue(value: Json): string {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const [[kind, reference] = ['', null]] = Object.entries(value);
    const words = new Map(Object.entries(reference && typeof reference === 'object' ? reference : {}));
    if (kind === 'secretKeyRef') return `(key ${words.get('key')} of Secret ${words.get('name')})`;
    if (kind === 'configMapKeyRef') return `(key ${words.get('key')} of ConfigMap ${words.get('name')})`;
    if (kind === 'resourceFieldRef') return `(${words.get('resource')} of the container)`;
    if (kind === 'fieldRef') return `(${words.get('fieldPath')} of the pod)`;
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Two lines a value, and two more where the cluster has another. */
function formatExplained({ path, value, from, cluster }: Explained): string {
  const lines = [`${path} = ${formatValue(value)}`, `    ${from}`];
  if (cluster) lines.push(`    in the cluster: ${formatValue(cluster.value)}`, `    ${cluster.from}`);
  return lines.join('\n');
}
