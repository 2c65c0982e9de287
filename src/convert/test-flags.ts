import type { Diagnostic, Severity } from '../model/diagnostic.ts';
import type { Graph, GraphComponent } from '../model/graph.ts';
import { type ListNode, list, type MapNode, mapAt, type Node, scalar, withField } from '../model/node.ts';
import type { Conversion } from './conversion.ts';

/** Flags that scripts add so that tests start fast on shared GPUs, with the number of their values (rule 8 of facts/deployment-yaml.md §6.3; examples/common/gpu_utils.sh). */
const TEST_FLAGS: Readonly<Record<string, number>> = {
  '--enforce-eager': 0,
  '--kv-cache-memory-bytes': 1,
  '--disable-cuda-graph': 0,
  '--disable-piecewise-cuda-graph': 0,
  '--max-total-tokens': 1,
};
const ENGINE =
  /^(?:dynamo\.(?:vllm|sglang|trtllm)\b.*|vllm|vllm-rs|vllm\.entrypoints\..*|sglang\.launch_server|trtllm-serve|tensorrt_llm\.commands\.serve)$/;
const UTILIZATION = '--gpu-memory-utilization';
/** Below it an engine has room for nothing: it only keeps the check at start quiet. */
const LEAST_UTILIZATION = 0.1;
const OVERRIDE = '--override-engine-args';
/** Caps in `kv_cache_config` of TensorRT-LLM. */
const CAPS: readonly string[] = ['max_tokens', 'max_gpu_total_bytes'];

/**
 * `--production`: the graph without what is only for tests; each flag is said at its place. With `keep` the graph stays as it is and the
 * flags are only pointed out.
 */
export function withoutTestFlags(graph: Graph, keep = false): Conversion {
  const diagnostics: Diagnostic[] = [];
  const say = (flag: string, node: Node): void => {
    diagnostics.push(
      note('notice', keep ? `${flag} is for tests` : `${flag} is left out: it is for tests`, node, keep),
    );
  };
  const components = graph.components.map((component) => withoutFlagsOf(component, say));
  if (keep) return { graph, diagnostics };
  const written = list(
    components.map((component) => component.written),
    graph.origin,
  );
  return { graph: { ...graph, components, spec: withField(graph.spec, 'components', written) }, diagnostics };
}

type Say = (flag: string, node: Node) => void;

function note(severity: Severity, message: string, { origin }: Node, keep: boolean): Diagnostic {
  return {
    severity,
    code: 'TEST_FLAG',
    message,
    ...(origin.kind === 'file' ? { at: origin.at } : {}),
    ...(keep ? { hint: '--production leaves it out' } : {}),
  };
}

function withoutFlagsOf(component: GraphComponent, say: Say): GraphComponent {
  const podTemplate = mapAt(component.written, 'podTemplate');
  const spec = mapAt(podTemplate, 'spec');
  if (podTemplate === undefined || spec === undefined) return component;
  const changed = ['initContainers', 'containers'].reduce((result: MapNode, field) => {
    const containers = spec.fields.get(field);
    if (containers?.kind !== 'list') return result;
    return withField(result, field, { ...containers, items: containers.items.map((one) => inContainer(one, say)) });
  }, spec);
  return {
    ...component,
    written: withField(component.written, 'podTemplate', withField(podTemplate, 'spec', changed)),
  };
}

function inContainer(container: Node, say: Say): Node {
  if (container.kind !== 'map') return container;
  const words = ['command', 'args'].flatMap((field) => {
    const node = container.fields.get(field);
    return node?.kind === 'list' ? node.items.map(textOf) : [];
  });
  const args = container.fields.get('args');
  if (args?.kind !== 'list') return container;
  const isShell = /(?:^|\/)(?:ba|da)?sh$/.test(words[0] ?? '');
  if (!isShell && !words.some((word) => ENGINE.test(word))) return container;
  const items = isShell ? args.items.map((item) => inShellText(item, say)) : keptWords(args, say);
  return items.length === 0
    ? withField(container, 'args', undefined)
    : withField(container, 'args', { ...args, items });
}

function keptWords({ items }: ListNode, say: Say): readonly Node[] {
  const kept: Node[] = [];
  for (let index = 0; index < items.length; index += 1) {
    const node = items[index];
    if (node === undefined) continue;
    const [flag = '', inline] = textOf(node).split(/=(.*)/s, 2);
    const value = inline ?? textOf(items[index + 1]);
    const values = inline === undefined ? 1 : 0;
    const count = Object.hasOwn(TEST_FLAGS, flag) ? TEST_FLAGS[flag] : undefined;
    if (count !== undefined || (flag === UTILIZATION && Number(value) < LEAST_UTILIZATION)) {
      say(count === 0 ? flag : `${flag} ${value}`, node);
      index += count === 0 ? 0 : values;
    } else if (flag === OVERRIDE && hasCap(value)) {
      say(`the cap of the KV cache in ${flag}`, node);
      const rest = withoutCaps(value);
      if (rest !== undefined) kept.push(scalar(flag, node.origin), scalar(rest, node.origin));
      index += values;
    } else {
      kept.push(node);
    }
  }
  return kept;
}

const ENGINE_IN_TEXT = /\bdynamo\.(?:vllm|sglang|trtllm)\b|\bvllm-rs\b|\bsglang\.launch_server\b/;

/** The text of a shell that starts engines. What is set in JSON there stays: quotes are the shell's. */
function inShellText(node: Node, say: Say): Node {
  const text = textOf(node);
  if (!ENGINE_IN_TEXT.test(text)) return node;
  const drop = (written: string) => {
    say(written.trim(), node);
    return '';
  };
  const plain = Object.entries(TEST_FLAGS).reduce(
    (rest, [flag, count]) =>
      rest.replace(new RegExp(`\\s+${flag}${count === 0 ? '' : '[ =]\\S+'}(?=\\s|$)`, 'g'), drop),
    text,
  );
  const left = plain.replace(new RegExp(`\\s+${UTILIZATION}[ =](\\S+)(?=\\s|$)`, 'g'), (written, value: string) =>
    Number(value) < LEAST_UTILIZATION ? drop(written) : written,
  );
  return left === text ? node : scalar(left, node.origin);
}

function textOf(node: Node | undefined): string {
  return node?.kind === 'scalar' ? String(node.value) : '';
}

function readOverride(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === 'object' ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function cacheOf(override: Record<string, unknown> | undefined): Record<string, unknown> {
  const cache = override?.kv_cache_config;
  return cache !== null && typeof cache === 'object' ? { ...cache } : {};
}

function hasCap(text: string): boolean {
  return CAPS.some((cap) => cap in cacheOf(readOverride(text)));
}

/** Undefined where nothing else is in it. */
function withoutCaps(text: string): string | undefined {
  const { kv_cache_config: _, ...rest } = readOverride(text) ?? {};
  const cache = Object.entries(cacheOf(readOverride(text))).filter(([key]) => !CAPS.includes(key));
  const left = cache.length === 0 ? rest : { kv_cache_config: Object.fromEntries(cache), ...rest };
  return Object.keys(left).length === 0 ? undefined : JSON.stringify(left);
}
