import { fromJson, itemsAt, type MapNode, numberAt, stringAt } from '../model/node.ts';
import type { Origin } from '../model/origin.ts';
import { mapsAt, nameOf, withItems } from './edit-node.ts';
import { envVar, mergeEnvs } from './merge-envs.ts';

const VOLUME = 'topology-labels';
const PATH = '/etc/dynamo/topology';
const OWNED: ReadonlySet<string> = new Set([
  'DYN_KV_TRANSFER_DOMAIN',
  'DYN_KV_TRANSFER_ENFORCEMENT',
  'DYN_KV_TRANSFER_PREFERRED_WEIGHT',
  'DYN_TOPOLOGY_ENABLED',
  'DYN_TOPOLOGY_MOUNT_PATH',
]);

/** True where the policy names what to look at; a policy without does nothing. */
export function isEffectivePolicy(policy: MapNode | undefined): policy is MapNode {
  return policy !== undefined && Boolean(stringAt(policy, 'labelKey') || stringAt(policy, 'clusterTopologyName'));
}

/**
 * `experimental.kvTransferPolicy` on a worker of 1.5: environment that wins over the user's, and the topology labels of the pod as
 * files [150 graph.go:2145-2235].
 */
export function applyKvTransferPolicy(
  main: MapNode,
  podSpec: MapNode,
  policy: MapNode,
  origin: Origin,
): { readonly main: MapNode; readonly podSpec: MapNode } {
  const domain = stringAt(policy, 'domain') ?? '';
  const weight = numberAt(policy, 'preferredWeight');
  const env = [
    envVar('DYN_KV_TRANSFER_DOMAIN', domain, policy.origin),
    envVar('DYN_KV_TRANSFER_ENFORCEMENT', stringAt(policy, 'enforcement') || 'required', policy.origin),
    envVar('DYN_TOPOLOGY_ENABLED', 'true', origin),
    envVar('DYN_TOPOLOGY_MOUNT_PATH', PATH, origin),
    ...(weight === undefined ? [] : [envVar('DYN_KV_TRANSFER_PREFERRED_WEIGHT', String(weight), policy.origin)]),
  ];
  const kept = itemsAt(main, 'env').filter((variable) => !OWNED.has(nameOf(variable)));
  const mount = fromJson({ name: VOLUME, mountPath: PATH, readOnly: true }, origin);
  const mounts = mapsAt(main, 'volumeMounts').filter(
    (existing) => nameOf(existing) !== VOLUME && stringAt(existing, 'mountPath') !== PATH,
  );
  const label = stringAt(policy, 'labelKey');
  const items = label ? [{ path: domain, fieldRef: { fieldPath: `metadata.labels['${label}']` } }] : [];
  const volume = fromJson({ name: VOLUME, downwardAPI: { items } }, origin);
  const volumes = mapsAt(podSpec, 'volumes').filter((existing) => nameOf(existing) !== VOLUME);
  return {
    main: withItems(withItems(main, 'env', mergeEnvs(kept, env), origin), 'volumeMounts', [...mounts, mount], origin),
    podSpec: withItems(podSpec, 'volumes', [...volumes, volume], origin),
  };
}
