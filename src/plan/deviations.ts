import { itemsAt, list, type MapNode, map, type Node, scalar, stringAt, stringsAt, withField } from '../model/node.ts';
import type { Origin } from '../model/origin.ts';
import type { RuntimeFacts } from '../model/runtime-facts.ts';
import { isDynamoProcess } from './dynamo-process.ts';
import { readPodContainers } from './local-pod.ts';

/** Where etcd and NATS are for the containers of the project. */
export interface InfraAddresses {
  readonly etcd: string;
  readonly nats: string;
  /** They serve other projects as well: namespaces must not be prefixes of one another. */
  readonly shared: boolean;
}

export interface DeviationContext {
  readonly project: string;
  readonly runtime: RuntimeFacts;
  readonly infra: InfraAddresses;
  /** The variables as the cluster would set them; `own` is true for what the file says. */
  readonly env: ReadonlyMap<string, { readonly value: string; readonly own: boolean }>;
  /** Command and arguments, in one line. */
  readonly commandLine: string;
}

/** One way in which this machine must differ from the cluster. `env` gives the variables to set; undefined: the row does not apply. */
export interface Deviation {
  readonly id: string;
  readonly reason: string;
  readonly env: (context: DeviationContext) => Readonly<Record<string, string>> | undefined;
}

function value(context: DeviationContext, name: string): string | undefined {
  return context.env.get(name)?.value;
}

function wantsNats(context: DeviationContext): boolean {
  return (
    context.runtime.needsNats ||
    value(context, 'DYN_EVENT_PLANE') === 'nats' ||
    value(context, 'DYN_REQUEST_PLANE') === 'nats' ||
    /(?:^|\s)--(?:event|request)-plane[\s=]+nats\b/.test(context.commandLine)
  );
}

/** `_` cannot stand in the name of a project or of a graph, so no namespace with this end is the beginning of another. */
function bounded(namespace: string, project: string): string {
  return `${namespace}_${project}_`;
}

/** Every difference from the cluster's environment, each with its reason (DESIGN decision 5). As few as possible. */
const DEVIATIONS: readonly Deviation[] = [
  {
    id: 'discovery-backend',
    reason: 'there is no Kubernetes API on this machine: components find each other through etcd',
    env: (context) =>
      value(context, 'DYN_DISCOVERY_BACKEND') === 'kubernetes' ? { DYN_DISCOVERY_BACKEND: 'etcd' } : undefined,
  },
  {
    id: 'etcd-endpoints',
    reason: 'discovery through etcd needs its address',
    env: (context) =>
      value(context, 'ETCD_ENDPOINTS') === undefined || context.infra.shared
        ? { ETCD_ENDPOINTS: context.infra.etcd }
        : undefined,
  },
  {
    id: 'nats-server',
    reason: 'this runtime version, or a plane that the file chooses, needs NATS',
    env: (context) => {
      const written = value(context, 'NATS_SERVER');
      const asked = written !== undefined && written !== '';
      return (written === undefined && wantsNats(context)) || (asked && context.infra.shared)
        ? { NATS_SERVER: context.infra.nats }
        : undefined;
    },
  },
  {
    id: 'worker-hash',
    reason:
      "the cluster's hash over all workers rolls all of them at once; here a changed component is recreated alone",
    env: (context) =>
      value(context, 'DYN_NAMESPACE_WORKER_SUFFIX') === 'HASH' ? { DYN_NAMESPACE_WORKER_SUFFIX: 'local' } : undefined,
  },
  {
    id: 'legacy-namespace',
    reason: 'engines of runtime 0.4 read DYNAMO_NAMESPACE where its operator sets DYN_NAMESPACE',
    env: (context) => {
      const namespace = value(context, 'DYN_NAMESPACE');
      return context.runtime.readsLegacyNamespace && namespace !== undefined && !context.env.has('DYNAMO_NAMESPACE')
        ? { DYNAMO_NAMESPACE: namespace }
        : undefined;
    },
  },
  {
    id: 'namespace-boundary',
    reason: 'on shared etcd and NATS a namespace that begins another would see its workers',
    env: (context) => {
      if (!context.infra.shared) return undefined;
      const names = ['DYN_NAMESPACE', 'DYN_NAMESPACE_PREFIX', 'DYNAMO_NAMESPACE'];
      const changed = names.flatMap((name) => {
        const namespace = value(context, name);
        return namespace === undefined ? [] : [[name, bounded(namespace, context.project)] as const];
      });
      return changed.length > 0 ? Object.fromEntries(changed) : undefined;
    },
  },
];

/** A deviation that was applied to a component, for `render --local`, `plan` and `explain`. */
export interface AppliedDeviation {
  readonly component: string;
  /** A container beside the main one. */
  readonly container?: string;
  readonly deviation: string;
  readonly reason: string;
  readonly changes: Readonly<Record<string, string>>;
}

function readEnv(container: Node): Map<string, { value: string; own: boolean }> {
  const env = new Map<string, { value: string; own: boolean }>();
  for (const item of itemsAt(container, 'env')) {
    const name = stringAt(item, 'name');
    const text = stringAt(item, 'value');
    if (name !== undefined && text !== undefined) env.set(name, { value: text, own: item.origin.kind === 'file' });
  }
  return env;
}

function setEnv(container: MapNode, name: string, text: string, origin: Origin): MapNode {
  const items = itemsAt(container, 'env');
  const entry = map(
    [
      ['name', scalar(name, origin)],
      ['value', scalar(text, origin)],
    ],
    origin,
  );
  const at = items.findLastIndex((item) => stringAt(item, 'name') === name);
  const changed = at === -1 ? [...items, entry] : items.toSpliced(at, 1, entry);
  return withField(container, 'env', list(changed, origin));
}

export interface DeviatingPod {
  readonly component: string;
  readonly podTemplate: MapNode;
  readonly context: Omit<DeviationContext, 'env' | 'commandLine'>;
}

/**
 * The pod template with every row applied that applies, each change carrying the row as its origin. The main container and every other
 * Dynamo process deviate; other containers stay as the cluster runs them.
 */
export function applyDeviations(input: DeviatingPod): {
  readonly podTemplate: MapNode;
  readonly applied: readonly AppliedDeviation[];
} {
  const spec = input.podTemplate.fields.get('spec');
  if (spec?.kind !== 'map') return { podTemplate: input.podTemplate, applied: [] };
  const applied: AppliedDeviation[] = [];
  const { main } = readPodContainers(spec);
  const deviate = (item: Node): Node => {
    if (item.kind !== 'map' || (item !== main && !isDynamoProcess(item))) return item;
    const container = item === main ? undefined : stringAt(item, 'name');
    const commandLine = ['command', 'args'].flatMap((field) => stringsAt(item, field) ?? []).join(' ');
    let changed = item;
    for (const row of DEVIATIONS) {
      const changes = row.env({ ...input.context, env: readEnv(changed), commandLine });
      if (!changes) continue;
      const { id: deviation, reason } = row;
      const origin: Origin = { kind: 'local', deviation, reason };
      for (const [name, text] of Object.entries(changes)) changed = setEnv(changed, name, text, origin);
      applied.push({ component: input.component, ...(container ? { container } : {}), deviation, reason, changes });
    }
    return changed;
  };
  let changed = spec;
  for (const kind of ['initContainers', 'containers']) {
    const items = itemsAt(spec, kind);
    if (items.length > 0) changed = withField(changed, kind, list(items.map(deviate), spec.origin));
  }
  return { podTemplate: withField(input.podTemplate, 'spec', changed), applied };
}
