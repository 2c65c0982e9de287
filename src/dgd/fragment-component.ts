import type { Diagnostic } from '../model/diagnostic.ts';
import {
  at,
  fromJson,
  itemsAt,
  type Json,
  list,
  type MapNode,
  map,
  mapAt,
  type Node,
  scalar,
  stringAt,
  stringsAt,
  toJson,
  withField,
} from '../model/node.ts';
import type { Origin } from '../model/origin.ts';
import { type Backend, configFlags, engineFlags, isEngineKey } from './engine-shorthand.ts';
import { placeOf } from './place.ts';

/** Fields of a container that a fragment may have at the component. */
const CONTAINER_FIELDS: readonly string[] = [
  'image',
  'command',
  'args',
  'env',
  'envFrom',
  'workingDir',
  'ports',
  'securityContext',
  'startupProbe',
  'imagePullPolicy',
];
/** Said at the component, not fields of it. */
const OWN_KEYS: readonly string[] = ['backend', 'framework', 'backendFramework', 'requests', 'limits', 'gpus', 'gpu'];

/** Dynamo's images for each engine, in the version of the examples. */
const IMAGES: Readonly<Record<Backend, string>> = {
  vllm: 'nvcr.io/nvidia/ai-dynamo/vllm-runtime:1.4.2',
  sglang: 'nvcr.io/nvidia/ai-dynamo/sglang-runtime:1.4.2',
  trtllm: 'nvcr.io/nvidia/ai-dynamo/tensorrtllm-runtime:1.4.2',
  mocker: 'dynamo-cpu:1.4.2',
};

export const ASSUMED: Origin = { kind: 'local', deviation: 'fragment', reason: 'a fragment does not say it' };
const CONFIG_FOLDER = '/etc/dynamo/engine';

export interface FragmentComponent {
  readonly name: string;
  readonly written: MapNode;
  readonly origin: Origin;
  readonly type: string;
  readonly backend: Backend;
}

export interface FragmentContext {
  /** Prefill or decode, where the fragment has both. */
  readonly disaggregated: boolean;
  /** Names and keys of the ConfigMaps beside it. */
  readonly configMaps: ReadonlyMap<string, readonly string[]>;
  /** The image that another component of the fragment names. */
  readonly sharedImage: Node | undefined;
  /** `router-mode` and its neighbours, of whichever component: the frontend's flags. */
  readonly routerKeys: ReadonlyMap<string, Node>;
}

export interface WholeComponent {
  readonly service: MapNode;
  /** Files of an `engine-config` that is written in place: a ConfigMap. */
  readonly config: { readonly name: string; readonly data: Json } | undefined;
  readonly notices: readonly Diagnostic[];
}

function strings(words: readonly string[], origin: Origin): Node {
  return list(
    words.map((word) => scalar(word, origin)),
    origin,
  );
}

/** Words of a command line in one text, quotes respected; undefined where a shell must read it. */
function splitWords(text: string): readonly string[] | undefined {
  if (/[|&;<>$`\\]/.test(text)) return undefined;
  return [...text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? '',
  );
}

/** Makes a v1alpha1 service of what a fragment says of a component; what it does not say is assumed, and told. */
export function completeComponent(component: FragmentComponent, context: FragmentContext): WholeComponent {
  const { name, written, type, backend } = component;
  const notices: Diagnostic[] = [];
  const assume = (message: string, origin: Origin = component.origin, hint?: string): void => {
    notices.push({
      severity: 'notice',
      code: 'ASSUMED',
      message: `${name}: ${message}`,
      ...placeOf(origin),
      ...(hint ? { hint } : {}),
    });
  };
  const { fields, main, engineKeys } = sortFields(written, context.routerKeys);
  if (!fields.has('componentType')) {
    fields.set('componentType', scalar(type, ASSUMED));
    assume(`a ${type}, by its name`);
  }
  const role = /prefill/i.test(name) ? 'prefill' : /decode/i.test(name) ? 'decode' : undefined;
  const disaggregated = context.disaggregated && type === 'worker' && role !== undefined;
  if (disaggregated && !fields.has('subComponentType')) fields.set('subComponentType', scalar(role, ASSUMED));
  if (!main.has('image')) {
    main.set('image', context.sharedImage ?? scalar(IMAGES[backend], ASSUMED));
    const image = main.get('image');
    assume(
      `the image ${image?.kind === 'scalar' ? image.value : ''}`,
      undefined,
      `--image ${name}=REF chooses another`,
    );
  }
  const engineConfig = readEngineConfig(name, engineKeys, backend, context);
  const flags = [
    ...(type === 'frontend' ? engineFlags(context.routerKeys, backend) : []),
    ...engineFlags(engineKeys, backend),
    ...engineConfig.flags,
  ];
  const module = type === 'frontend' ? 'dynamo.frontend' : `dynamo.${backend}`;
  const more = disaggregated && !mentions(main, role) ? ['--disaggregation-mode', role] : [];
  if (completeCommand(main, module, [...flags, ...more])) assume(`it runs python3 -m ${module}`);
  keepLogFile(written, main, assume);
  const resources = completeResources(written, assume);
  if (resources) fields.set('resources', resources);
  const extra = mapAt(written, 'extraPodSpec') ?? map([], ASSUMED);
  const pod = engineConfig.volume ? withVolume(extra, main, engineConfig.volume) : extra;
  fields.set('extraPodSpec', withField(pod, 'mainContainer', map(main, written.origin)));
  return {
    service: { ...written, fields },
    config: engineConfig.config,
    notices,
  };
}

/** What is written of a component, by what it is: fields of a service, of its main container, of the engine. */
function sortFields(written: MapNode, routerKeys: ReadonlyMap<string, Node>) {
  const fields = new Map<string, Node>();
  const main = new Map(mapAt(written, 'extraPodSpec', 'mainContainer')?.fields ?? []);
  const engineKeys = new Map<string, Node>();
  for (const [key, value] of written.fields) {
    if (CONTAINER_FIELDS.includes(key)) main.set(key, key === 'env' ? envList(value) : value);
    else if (isEngineKey(key)) engineKeys.set(key, value);
    else if (!OWN_KEYS.includes(key)) fields.set(key, value);
  }
  for (const key of routerKeys.keys()) engineKeys.delete(key);
  return { fields, main, engineKeys };
}

/** `env: {A: b}` as Kubernetes' list. */
function envList(node: Node): Node {
  if (node.kind !== 'map') return node;
  return list(
    [...node.fields].map(([key, value]) =>
      map(
        [
          ['name', scalar(key, value.origin)],
          [
            'value',
            scalar(value.kind === 'scalar' ? String(value.value ?? '') : JSON.stringify(toJson(value)), value.origin),
          ],
        ],
        value.origin,
      ),
    ),
    node.origin,
  );
}

function mentions(main: ReadonlyMap<string, Node>, role: string): boolean {
  return ['command', 'args'].some((field) =>
    JSON.stringify(main.get(field) ? toJson(main.get(field) ?? scalar('', ASSUMED)) : '').includes(role),
  );
}

/** Puts the flags where the engine reads them. True when the command itself had to be assumed. */
function completeCommand(main: Map<string, Node>, module: string, flags: readonly string[]): boolean {
  const args = main.get('args');
  if (args?.kind === 'scalar') {
    const words = splitWords(String(args.value));
    main.set('args', strings(words ?? [String(args.value)], args.origin));
  }
  const command = stringsAt(map(main, ASSUMED), 'command');
  const words = stringsAt(map(main, ASSUMED), 'args') ?? [];
  const origin = main.get('args')?.origin ?? ASSUMED;
  const script = words.length === 1 && /\s/.test(words[0] ?? '') ? words[0] : undefined;
  if (script !== undefined && (command === undefined || /(?:^|\/)(?:ba)?sh$/.test(command[0] ?? ''))) {
    const runs = /python[0-9.]*\s/.test(script);
    const whole = runs ? script : `python3 -m ${module} ${script}`;
    if (!runs || flags.length > 0) main.set('args', strings([[whole, ...flags.map(quote)].join(' ')], origin));
    if (command === undefined) main.set('command', strings(['/bin/sh', '-c'], ASSUMED));
    return !runs;
  }
  const assumed = command === undefined && !words.some((word) => word.includes('dynamo.'));
  if (assumed) main.set('command', strings(['python3', '-m', module], ASSUMED));
  else if (command === undefined) main.set('command', strings(['python3'], ASSUMED));
  if (flags.length > 0 || words.length > 0) main.set('args', strings([...words, ...flags], origin));
  return assumed;
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * A readiness probe that greps a log file which nothing writes: the output goes there too. bash's process substitution and not a pipe,
 * so that the engine itself gets the signal to end.
 */
function keepLogFile(
  written: MapNode,
  main: Map<string, Node>,
  assume: (message: string, origin?: Origin) => void,
): void {
  const probe = mapAt(written, 'readinessProbe') ?? mapAt(written, 'extraPodSpec', 'mainContainer', 'readinessProbe');
  const check = (stringsAt(probe, 'exec', 'command') ?? []).join(' ');
  const file = /\bgrep\b.*?(\/[\w./-]+)\s*$/.exec(check)?.[1];
  const container = map(main, ASSUMED);
  const words = [...(stringsAt(container, 'command') ?? []), ...(stringsAt(container, 'args') ?? [])];
  if (file === undefined || words.length === 0 || words.join(' ').includes(file)) return;
  const shell = /(?:^|\/)(?:ba)?sh$/.test(words[0] ?? '') && /^-l?c$/.test(words[1] ?? '');
  const line = shell ? words.slice(2).join(' ') : `exec ${words.map(quote).join(' ')}`;
  main.set('command', strings(['/bin/bash', '-c'], ASSUMED));
  main.set('args', strings([`exec > >(tee ${quote(file)}) 2>&1; ${line}`], ASSUMED));
  assume(`its output goes to ${file} too, which the readiness probe reads`, probe?.origin);
}

/** `requests`, `limits` and `gpus` at the component, and limits for GPUs that are only requested, as a device plugin wants them. */
function completeResources(written: MapNode, assume: (message: string, origin?: Origin) => void): MapNode | undefined {
  let resources = mapAt(written, 'resources') ?? map([], ASSUMED);
  for (const side of ['requests', 'limits']) {
    const own = mapAt(written, side);
    if (own)
      resources = withField(
        resources,
        side,
        map([...(mapAt(resources, side)?.fields ?? []), ...own.fields], own.origin),
      );
  }
  const gpus = written.fields.get('gpus') ?? written.fields.get('gpu') ?? at(resources, 'gpu');
  resources = withField(resources, 'gpu', undefined);
  const requested = at(resources, 'requests', 'gpu');
  const wanted = gpus ?? (at(resources, 'limits', 'gpu') ? undefined : requested);
  if (wanted?.kind === 'scalar') {
    const limits = mapAt(resources, 'limits') ?? map([], wanted.origin);
    resources = withField(resources, 'limits', withField(limits, 'gpu', scalar(String(wanted.value), wanted.origin)));
    if (!gpus) assume('a GPU request is its limit too', wanted.origin);
  }
  for (const side of ['requests', 'limits']) {
    const quantities = mapAt(resources, side);
    if (!quantities) continue;
    const texts = [...quantities.fields].map(
      ([key, value]) => [key, value.kind === 'scalar' ? scalar(String(value.value), value.origin) : value] as const,
    );
    resources = withField(resources, side, map(texts, quantities.origin));
  }
  return resources.fields.size > 0 ? resources : undefined;
}

interface EngineConfig {
  readonly flags: readonly string[];
  readonly volume: { readonly configMap: string; readonly origin: Origin } | undefined;
  readonly config: WholeComponent['config'];
}

/** `engine-config`: settings written in place, the name of a ConfigMap beside the fragment, or a path in the image. */
function readEngineConfig(
  name: string,
  keys: Map<string, Node>,
  backend: Backend,
  { configMaps }: FragmentContext,
): EngineConfig {
  const node = keys.get('engine-config');
  keys.delete('engine-config');
  if (!node) return { flags: [], volume: undefined, config: undefined };
  const { origin } = node;
  if (node.kind === 'map') {
    const configMap = `${name.toLowerCase()}-engine-config`;
    return {
      flags: configFlags(backend, `${CONFIG_FOLDER}/engine.yaml`),
      volume: { configMap, origin },
      // JSON is YAML.
      config: { name: configMap, data: { 'engine.yaml': JSON.stringify(toJson(node), null, 2) } },
    };
  }
  const text = node.kind === 'scalar' ? String(node.value) : '';
  const [key] = configMaps.get(text) ?? [];
  if (key === undefined) return { flags: configFlags(backend, text), volume: undefined, config: undefined };
  return {
    flags: configFlags(backend, `${CONFIG_FOLDER}/${key}`),
    volume: { configMap: text, origin },
    config: undefined,
  };
}

function withVolume(
  pod: MapNode,
  main: Map<string, Node>,
  { configMap, origin }: { readonly configMap: string; readonly origin: Origin },
): MapNode {
  const mount = fromJson({ name: 'engine-config', mountPath: CONFIG_FOLDER }, origin);
  main.set('volumeMounts', list([...itemsAt(map(main, origin), 'volumeMounts'), mount], origin));
  const volume = fromJson({ name: 'engine-config', configMap: { name: configMap } }, origin);
  return withField(pod, 'volumes', list([...itemsAt(pod, 'volumes'), volume], origin));
}

/** The type that a fragment's component has: as written, else by its name. */
export function typeOf(name: string, written: MapNode): string {
  const type = stringAt(written, 'componentType');
  if (type !== undefined) return type;
  if (/front-?end|ingress|router/i.test(name)) return 'frontend';
  return /planner/i.test(name) ? 'planner' : 'worker';
}
