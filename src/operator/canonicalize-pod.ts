import { type MapNode, mapAt, type Node, numberAt, stringAt, withField } from '../model/node.ts';
import { compareText, mapsAt, nameOf, withItems } from './edit-node.ts';

function sorted(node: MapNode, key: string, sortKey: (item: MapNode) => string): MapNode {
  const items = mapsAt(node, key);
  if (items.length < 2) return node;
  return withItems(
    node,
    key,
    items.toSorted((a, b) => compareText(sortKey(a), sortKey(b))),
    node.origin,
  );
}

/** Joined with a character that sorts before all others, as comparing part by part does. */
function join(...parts: readonly (string | number | undefined)[]): string {
  return parts.map((part) => (typeof part === 'number' ? String(part).padStart(10, '0') : (part ?? ''))).join('\u0000');
}

function envFromKey(item: MapNode): string {
  const prefix = stringAt(item, 'prefix') ?? '';
  const configMap = mapAt(item, 'configMapRef');
  if (configMap) return `cm:${nameOf(configMap)}:${prefix}`;
  const secret = mapAt(item, 'secretRef');
  return secret ? `sec:${nameOf(secret)}:${prefix}` : `other:${prefix}`;
}

function canonicalizeContainer(container: MapNode): MapNode {
  let result = sorted(container, 'env', nameOf);
  result = sorted(result, 'envFrom', envFromKey);
  result = sorted(result, 'ports', (port) => join(nameOf(port), numberAt(port, 'containerPort')));
  return sorted(result, 'volumeMounts', (mount) => join(nameOf(mount), stringAt(mount, 'mountPath')));
}

function canonicalizeVolume(volume: MapNode): MapNode {
  let result = volume;
  for (const source of ['configMap', 'secret']) {
    const inner = mapAt(result, source);
    const byKey = (item: MapNode) => join(stringAt(item, 'key'), stringAt(item, 'path'));
    if (inner) result = withField(result, source, sorted(inner, 'items', byKey));
  }
  const downward = mapAt(result, 'downwardAPI');
  const byPath = (item: MapNode) => stringAt(item, 'path') ?? '';
  return downward ? withField(result, 'downwardAPI', sorted(downward, 'items', byPath)) : result;
}

function withEach(pod: MapNode, key: string, change: (item: MapNode) => MapNode): MapNode {
  const items: readonly Node[] = mapsAt(pod, key).map(change);
  return items.length > 0 ? withItems(pod, key, items, pod.origin) : pod;
}

/** The order that 0.4 and 0.6 give to everything in a pod whose order has no meaning [041 internal/controller_common/pod.go]. */
export function canonicalizePod(podSpec: MapNode): MapNode {
  let pod = podSpec;
  for (const key of ['containers', 'initContainers']) {
    pod = sorted(withEach(pod, key, canonicalizeContainer), key, nameOf);
  }
  pod = sorted(withEach(pod, 'volumes', canonicalizeVolume), 'volumes', nameOf);
  pod = sorted(pod, 'imagePullSecrets', nameOf);
  return sorted(pod, 'tolerations', (item) =>
    join(stringAt(item, 'key'), stringAt(item, 'operator'), stringAt(item, 'value'), stringAt(item, 'effect')),
  );
}
