import { at, type MapNode, mapAt, numberAt, stringAt } from '../model/node.ts';
import { type CelRule, perComponent } from './cel-rule.ts';

const BOTH = ['v1alpha1', 'v1beta1'] as const;
const DNS_SUBDOMAIN = 253;
const POLICY = 'spec.experimental.kvTransferPolicy';

/** A rule of `spec.experimental.kvTransferPolicy`. The CRD writes `enforcement: required` where nothing is. */
function policyRule(detail: string, holds: (policy: MapNode) => boolean): CelRule {
  return {
    code: 'KV_TRANSFER_POLICY',
    apiVersions: BOTH,
    generations: ['1.5'],
    check: ({ spec }) => {
      const policy = mapAt(spec, 'experimental', 'kvTransferPolicy');
      return policy === undefined || holds(policy) ? [] : [{ path: POLICY, detail, origin: policy.origin }];
    },
  };
}

function isPreferred(policy: MapNode): boolean {
  return stringAt(policy, 'enforcement') === 'preferred';
}

/** Rules that both API versions of the 1.5 CRD hold [150 config/crd/bases/nvidia.com_dynamographdeployments.yaml]. */
export const COMMON_RULES: readonly CelRule[] = [
  {
    code: 'RESTART_ON_CREATE',
    apiVersions: BOTH,
    generations: ['1.5'],
    check: ({ spec }) => {
      const restart = at(spec, 'restart');
      const detail = 'spec.restart must be unset on create; set spec.restart.id after creation to request a restart';
      return restart === undefined ? [] : [{ path: 'spec', detail, origin: restart.origin }];
    },
  },
  {
    code: 'MIN_AVAILABLE',
    apiVersions: BOTH,
    generations: ['1.5'],
    check: perComponent(({ written }) => {
      const replicas = numberAt(written, 'replicas') ?? 1;
      const available = numberAt(written, 'minAvailable');
      if (available === undefined || replicas === 0 || available <= replicas) return [];
      const detail = 'minAvailable must be less than or equal to replicas unless replicas is 0';
      return [{ at: '', detail, origin: at(written, 'minAvailable')?.origin ?? written.origin }];
    }),
  },
  policyRule(
    'exactly one of labelKey or clusterTopologyName is required',
    ({ fields }) => fields.has('labelKey') !== fields.has('clusterTopologyName'),
  ),
  policyRule(
    'preferredWeight is required when enforcement is preferred',
    (policy) => !isPreferred(policy) || policy.fields.has('preferredWeight'),
  ),
  policyRule(
    'preferredWeight may only be set when enforcement is preferred',
    (policy) => isPreferred(policy) || !policy.fields.has('preferredWeight'),
  ),
  {
    code: 'KV_TRANSFER_POLICY',
    apiVersions: BOTH,
    generations: ['1.5'],
    check: ({ spec }) => {
      const key = at(spec, 'experimental', 'kvTransferPolicy', 'labelKey');
      const text = stringAt(key) ?? '';
      if (!key || !text.includes('/') || text.indexOf('/') <= DNS_SUBDOMAIN) return [];
      const detail = 'labelKey prefix must be 253 characters or less';
      return [{ path: `${POLICY}.labelKey`, detail, origin: key.origin, value: JSON.stringify(text) }];
    },
  },
];
