import type { Diagnostic } from '../model/diagnostic.ts';
import { expandVariables } from '../model/expand-variables.ts';
import type { Graph, GraphComponent } from '../model/graph.ts';
import { localAnnotation } from '../model/local-annotations.ts';
import { at, itemsAt, type MapNode, mapAt, type Node, numberAt, stringAt, stringsAt } from '../model/node.ts';
import { leftOut, leftOutFields } from './conversion.ts';
import { ofCaller } from './script-words.ts';

/** A process of the graph as a script starts it; ports and devices are still those of the container. */
export interface ScriptProcess {
  readonly container: MapNode;
  readonly env: Readonly<Record<string, string>>;
  /** Variables whose values a Secret has: the script takes them from its own environment. */
  readonly secrets: readonly string[];
  readonly argv: readonly string[];
  readonly gpus: number;
  readonly workingDir: string | undefined;
}

export interface ScriptComponent {
  readonly name: string;
  readonly type: string | undefined;
  readonly replicas: number;
  readonly podSpec: MapNode | undefined;
  /** In start order, the main one last. */
  readonly processes: readonly ScriptProcess[];
  readonly image: string | undefined;
  readonly startAfter: readonly string[];
  /** See `LOCAL_ANNOTATION.gpuSlots`. */
  readonly gpuSlots: readonly string[];
}

const KNOWN: ReadonlySet<string> = new Set(['name', 'type', 'replicas', 'podTemplate', 'sharedMemorySize']);
/** What only a container or a cluster needs is not worth a word. */
const KNOWN_OF_CONTAINER: ReadonlySet<string> = new Set([
  ...['name', 'image', 'command', 'args', 'env', 'envFrom', 'workingDir', 'resources', 'volumeMounts', 'restartPolicy'],
  ...['livenessProbe', 'readinessProbe', 'startupProbe', 'ports', 'imagePullPolicy', 'securityContext'],
]);
const KNOWN_OF_POD: ReadonlySet<string> = new Set([
  ...['containers', 'initContainers', 'volumes', 'terminationGracePeriodSeconds', 'imagePullSecrets', 'tolerations'],
  ...['nodeSelector', 'affinity', 'securityContext', 'serviceAccountName', 'restartPolicy'],
]);
const GPU = 'nvidia.com/gpu';
const IMAGE_DECIDES = 'its image alone says what it runs';
const NO_WORDS = 'a script starts processes and has no words for it';
/** What the operator runs where a frontend says nothing [150 internal/dynamo/component_frontend.go:36-37]. */
const FRONTEND = ['python3', '-m', 'dynamo.frontend'];

/** One component of a v1beta1 graph, and what of it a script cannot say. */
export function readScriptComponent(
  graph: Graph,
  component: GraphComponent,
): { readonly component: ScriptComponent | undefined; readonly diagnostics: readonly Diagnostic[] } {
  const { name, written } = component;
  const path = `spec.components.${name}`;
  const podTemplate = mapAt(written, 'podTemplate');
  const podSpec = mapAt(podTemplate, 'spec');
  const type = stringAt(written, 'type');
  const diagnostics = [
    ...leftOutFields(written, KNOWN, path, NO_WORDS),
    ...leftOutFields(podSpec, KNOWN_OF_POD, `${path}.podTemplate.spec`, NO_WORDS),
  ];
  const containers = itemsAt(podSpec, 'containers');
  const main = containers.find((container) => stringAt(container, 'name') === 'main');
  const beside = [...itemsAt(podSpec, 'initContainers'), ...containers.filter((container) => container !== main)];
  const processes = [...beside, ...(main === undefined ? [] : [main])].flatMap((container) => {
    const where = `${path}: container ${stringAt(container, 'name') ?? ''}`;
    const isInit = itemsAt(podSpec, 'initContainers').includes(container);
    if (isInit && stringAt(container, 'restartPolicy') !== 'Always') {
      diagnostics.push(leftOut(where, container, 'it prepares a container, and a script runs on the host'));
      return [];
    }
    const read = readProcess(graph, container, container === main && type === 'frontend');
    diagnostics.push(...leftOutFields(mapAt(container), KNOWN_OF_CONTAINER, where, NO_WORDS));
    if (read === undefined) diagnostics.push(leftOut(where, container, IMAGE_DECIDES));
    diagnostics.push(...(read?.diagnostics ?? []));
    return read ?? [];
  });
  const implied = main === undefined && type === 'frontend' ? [{ ...NOTHING, container: written, argv: FRONTEND }] : [];
  if (main === undefined && implied.length === 0) diagnostics.push(leftOut(path, written, IMAGE_DECIDES));
  return {
    diagnostics,
    component: {
      name,
      type,
      replicas: numberAt(written, 'replicas') ?? 1,
      podSpec,
      processes: [...processes, ...implied],
      image: stringAt(main, 'image'),
      startAfter: podTemplate === undefined ? [] : localAnnotation(podTemplate, 'startAfter'),
      gpuSlots: podTemplate === undefined ? [] : localAnnotation(podTemplate, 'gpuSlots'),
    },
  };
}

const NOTHING = { env: {}, secrets: [], gpus: 0, workingDir: undefined } as const;

function readProcess(
  graph: Graph,
  container: Node,
  isFrontend: boolean,
): (ScriptProcess & { readonly diagnostics: readonly Diagnostic[] }) | undefined {
  const node = mapAt(container);
  const command = stringsAt(container, 'command') ?? (isFrontend ? FRONTEND : undefined);
  if (node === undefined || command === undefined || command.length === 0) return undefined;
  const shared = readScriptEnv(graph, graph.spec);
  const { env, secrets, diagnostics } = readScriptEnv(graph, container, shared.env);
  const known: Record<string, string> = { ...shared.env, ...env };
  for (const name of [...shared.secrets, ...secrets]) known[name] = ofCaller(name);
  const limit = at(container, 'resources', 'limits', GPU);
  const words = [...command, ...(stringsAt(container, 'args') ?? [])];
  return {
    container: node,
    env,
    secrets,
    argv: words.map((word) => expandVariables(word, (name) => known[name])),
    gpus: limit?.kind === 'scalar' ? Number(limit.value) : 0,
    workingDir: stringAt(container, 'workingDir'),
    diagnostics,
  };
}

export interface ScriptEnv {
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
}

/** The `env` of a container or of the graph (`before`: what its values may refer to): literal values and those of ConfigMaps in the file; names of those that a Secret has. */
export function readScriptEnv(graph: Graph, node: Node, before: ScriptEnv['env'] = {}): ScriptEnv {
  const env: Record<string, string> = {};
  const secrets: string[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const item of itemsAt(node, 'env')) {
    const name = stringAt(item, 'name');
    if (name === undefined) continue;
    const value = at(item, 'value') ?? configMapValue(graph, item);
    if (value?.kind === 'scalar')
      env[name] = expandVariables(String(value.value), (other) => env[other] ?? before[other]);
    else if (mapAt(item, 'valueFrom', 'secretKeyRef') !== undefined) secrets.push(name);
    else diagnostics.push(leftOut(name, item, 'its value comes from the cluster'));
  }
  return { env, secrets, diagnostics };
}

function configMapValue({ companions }: Graph, item: Node): Node | undefined {
  const source = mapAt(item, 'valueFrom', 'configMapKeyRef');
  if (source === undefined) return undefined;
  return at(companions.configMaps.get(stringAt(source, 'name') ?? ''), 'data', stringAt(source, 'key') ?? '');
}
