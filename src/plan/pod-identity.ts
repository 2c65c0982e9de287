import { createHash } from 'node:crypto';
import { at, type MapNode, type Node, stringAt } from '../model/node.ts';
import { parseQuantity } from '../model/quantity.ts';

/** Who the pod is, for `fieldRef` and `resourceFieldRef`. */
export interface PodIdentity {
  readonly podName: string;
  readonly namespace: string;
  /** Stable between runs of an unchanged graph, so that the spec hash is. */
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  /** By name. */
  readonly containers: ReadonlyMap<string, MapNode>;
  /** What a container without a limit may use: the whole machine. */
  readonly host: { readonly cpus: number; readonly memoryBytes: number };
}

/** Stands for the pod's own address until its sandbox has one: the engine puts the address in when it creates the container. */
export const POD_ADDRESS = '{{dynamo:pod-address}}';
/** Stands for the address under which the host of the pod is reached. */
const HOST_ADDRESS = '127.0.0.1';

/** A version-4-shaped UUID that is the same for the same text: the pod's uid. */
export function stableUid(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** `key="value"` lines in the order of the keys (pkg/fieldpath/fieldpath.go FormatMap). */
function formatMap(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');
}

/** What a `fieldRef` stands for; undefined for a field that no kubelet knows. */
export function readField(path: string, identity: PodIdentity): string | undefined {
  const subscript = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path);
  if (subscript) return (subscript[1] === 'labels' ? identity.labels : identity.annotations)[subscript[2] ?? ''] ?? '';
  switch (path) {
    case 'metadata.name':
      return identity.podName;
    case 'metadata.namespace':
      return identity.namespace;
    case 'metadata.uid':
      return identity.uid;
    case 'metadata.labels':
      return formatMap(identity.labels);
    case 'metadata.annotations':
      return formatMap(identity.annotations);
    case 'spec.serviceAccountName':
      return identity.serviceAccount;
    case 'spec.nodeName':
      return 'localhost';
    case 'status.podIP':
    case 'status.podIPs':
      return POD_ADDRESS;
    case 'status.hostIP':
    case 'status.hostIPs':
      return HOST_ADDRESS;
    default:
      return undefined;
  }
}

function quantity(node: Node | undefined): number | undefined {
  return node?.kind === 'scalar' && node.value !== null ? parseQuantity(String(node.value)) : undefined;
}

/**
 * What a `resourceFieldRef` stands for: whole divisors, rounded up (pkg/api/v1/resource/helpers.go). A missing limit is what the machine
 * has, a missing request is the limit. Undefined for another resource or container.
 */
export function readResource(reference: MapNode, identity: PodIdentity, own: MapNode): string | undefined {
  const name = stringAt(reference, 'containerName');
  const container = name === undefined ? own : identity.containers.get(name);
  const [side, resource = ''] = (stringAt(reference, 'resource') ?? '').split('.');
  const whole: Readonly<Record<string, number>> = { cpu: identity.host.cpus, memory: identity.host.memoryBytes };
  if (!container || (side !== 'limits' && side !== 'requests')) return undefined;
  const limit = quantity(at(container, 'resources', 'limits', resource));
  const request = quantity(at(container, 'resources', 'requests', resource));
  const value =
    side === 'limits' ? (limit ?? whole[resource]) : (request ?? limit ?? (resource in whole ? 0 : undefined));
  const divisor = quantity(at(reference, 'divisor')) || 1;
  return value === undefined ? undefined : String(Math.ceil(value / divisor));
}
