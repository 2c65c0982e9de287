import type { GraphComponent } from '../model/graph.ts';
import { fromJson, type Json, list, type MapNode, map, type Node, scalar } from '../model/node.ts';
import type { Origin } from '../model/origin.ts';
import type { ClassifiedLaunch } from './classify-launch.ts';
import { gpuDemand } from './gpu-demand.ts';
import { membersOf, type Unit, type UnitGroup } from './group-launches.ts';
import { engineProcesses, joinedCommand, mainDemand, mainProcesses } from './joined-processes.ts';
import { withoutFlags } from './launch-flags.ts';
import { sharedPaths } from './loopback-links.ts';
import { componentType } from './name-components.ts';
import { type ComponentEnv, envEntry } from './secret-settings.ts';

export interface FileMount {
  readonly path: string;
  /** Key in the ConfigMap of the graph. */
  readonly key: string;
}

export interface ComponentSources {
  readonly name: string;
  readonly group: UnitGroup;
  readonly image: string;
  readonly imageOrigin: Origin;
  /** Environment of each launch after drops and what moved to the graph, by index of the launch. */
  readonly env: ReadonlyMap<number, readonly ComponentEnv[]>;
  /** Arguments after rewriting of paths and addresses, by index of the launch. */
  readonly argv: ReadonlyMap<number, readonly string[]>;
  readonly workingDir: string | undefined;
  readonly secret: string | undefined;
  readonly configMap: string;
  readonly files: readonly FileMount[];
  readonly annotations: Readonly<Record<string, string>>;
  /** Where the script asks whether a launch is ready, by its index. */
  readonly polled: ReadonlyMap<number, URL>;
  /** Root of what the script could read. */
  readonly tree: string;
  readonly originOf: (launch: ClassifiedLaunch) => Origin;
}

const VOLUME = 'launch-files';
/** What containers of one replica find in each other's /tmp: sockets. */
const SHARED_TMP = 'shared-tmp';

/** One v1beta1 component: its main process as container `main`, processes beside it as init containers that keep running (rule 11). */
export function buildComponent(sources: ComponentSources): GraphComponent {
  const { name, group, originOf, annotations, files } = sources;
  const { main } = group.first;
  const origin = originOf(main);
  const type = componentType(main);
  const volumeList = [
    ...(files.length > 0 ? [{ name: VOLUME, configMap: { name: sources.configMap } }] : []),
    ...(sharesFiles(group.first, sources.tree) ? [{ name: SHARED_TMP, emptyDir: {} }] : []),
  ];
  const volumes: readonly (readonly [string, Node])[] =
    volumeList.length === 0 ? [] : [['volumes', fromJson(volumeList, origin)]];
  const engines = engineProcesses(group.first);
  const beside: readonly (readonly [string, Node])[] =
    engines.length === 0
      ? []
      : [
          [
            'initContainers',
            list(
              engines.map((launch, index) =>
                containerNode(sources, launch, engines.length === 1 ? 'engine' : `engine-${index}`, false),
              ),
              origin,
            ),
          ],
        ];
  const podSpec = map(
    [...beside, ['containers', list([containerNode(sources, main, 'main', true)], origin)], ...volumes],
    origin,
  );
  const metadata: readonly (readonly [string, Node])[] =
    Object.keys(annotations).length === 0 ? [] : [['metadata', fromJson({ annotations }, origin)]];
  const written = map(
    [
      ['name', scalar(name, origin)],
      ...(type === undefined ? [] : [['type', scalar(type, origin)] as const]),
      ['replicas', scalar(group.units.length, origin)],
      ['podTemplate', map([...metadata, ['spec', podSpec]], origin)],
    ],
    origin,
  );
  return { name, written, origin };
}

function containerNode(sources: ComponentSources, launch: ClassifiedLaunch, name: string, isMain: boolean): MapNode {
  const origin = sources.originOf(launch);
  const env = sources.env.get(launch.index) ?? [];
  const argv = sources.argv.get(launch.index) ?? launch.argv;
  const unit = sources.group.first;
  const joined = isMain && mainProcesses(unit).length > 1;
  const demand = isMain ? mainDemand(unit) : gpuDemand(launch);
  const fields: (readonly [string, Node])[] = [
    ['name', scalar(name, origin)],
    ['image', scalar(sources.image, sources.imageOrigin)],
  ];
  if (!isMain) fields.push(['restartPolicy', scalar('Always', origin)]);
  fields.push(
    ...(joined
      ? shellFields(joinedCommand(unit, sources.env, sources.argv), origin)
      : commandFields(launch, argv, origin)),
  );
  if (sources.workingDir !== undefined) fields.push(['workingDir', scalar(sources.workingDir, origin)]);
  // The values of several processes stand in their shell; secrets must not.
  const own = joined
    ? mainProcesses(unit).flatMap(({ index }) => (sources.env.get(index) ?? []).filter(isSecret))
    : env;
  if (own.length > 0) fields.push(['env', fromJson(own.map(envEntry), origin)]);
  if (sources.secret !== undefined)
    fields.push(['envFrom', fromJson([{ secretRef: { name: sources.secret, optional: true } }], origin)]);
  if (demand.count > 0)
    fields.push(['resources', fromJson({ limits: { 'nvidia.com/gpu': String(demand.count) } }, origin)]);
  const mounts = [
    ...sources.files.map((file) => ({ name: VOLUME, mountPath: file.path, subPath: file.key })),
    ...(sharesFiles(unit, sources.tree) ? [{ name: SHARED_TMP, mountPath: '/tmp' }] : []),
  ];
  if (mounts.length > 0) fields.push(['volumeMounts', fromJson(mounts, origin)]);
  const polled = isMain ? undefined : sources.polled.get(launch.index);
  // The containers behind it wait for the probe, as the script waits for the answer.
  if (polled !== undefined) fields.push(['startupProbe', fromJson(probeOf(polled), origin)]);
  return map(fields, origin);
}

/** Half an hour: engines load models before they answer. */
function probeOf({ pathname, port }: URL): Json {
  const httpGet = { path: pathname, port: Number(port || 80) };
  return { httpGet, periodSeconds: 5, timeoutSeconds: 5, failureThreshold: 360 };
}

function isSecret(entry: ComponentEnv): boolean {
  return !('value' in entry);
}

/** Whether containers of the unit meet at a path in /tmp. */
function sharesFiles(unit: Unit, tree: string): boolean {
  return engineProcesses(unit).length > 0 && sharedPaths(membersOf(unit), tree).length > 0;
}

function shellFields(command: readonly string[], origin: Origin): readonly (readonly [string, Node])[] {
  return [
    ['command', fromJson(command.slice(0, -1), origin)],
    ['args', fromJson(command.slice(-1), origin)],
  ];
}

/** Rules 5 and 6: `command` is interpreter and module, `args` the rest; a frontend that only has what is its default needs neither. */
function commandFields(
  launch: ClassifiedLaunch,
  argv: readonly string[],
  origin: Origin,
): readonly (readonly [string, Node])[] {
  const interpreted = /^python[\d.]*$/.test(argv[0] ?? '');
  const plain = launch.kind === 'frontend' ? withoutFlags(argv, '--http-port', '--http-host') : argv;
  const module = interpreted ? plain.indexOf('-m') + 2 : 1;
  const split = interpreted && module < 2 ? 1 : module;
  const head = interpreted ? ['python3', ...plain.slice(1, split)] : plain.slice(0, split);
  const rest = plain.slice(split);
  if (
    launch.kind === 'frontend' &&
    launch.program === 'dynamo.frontend' &&
    withoutFlags(rest, '--router-mode').length === 0
  )
    return [];
  const args: readonly (readonly [string, Node])[] = rest.length === 0 ? [] : [['args', fromJson(rest, origin)]];
  return [['command', fromJson(head, origin)], ...args];
}
