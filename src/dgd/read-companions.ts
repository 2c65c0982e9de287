import type { Diagnostic } from '../model/diagnostic.ts';
import { claimedGpus } from '../model/gpu-claim.ts';
import type { Companions } from '../model/graph.ts';
import type { MapNode } from '../model/node.ts';
import { explainKind } from './other-kinds.ts';
import { placeOf } from './place.ts';
import { GRAPH_KIND, type KubernetesObject } from './read-objects.ts';

/** The maps of each kind whose values are text; `base64` ones are bytes in that form. */
const TEXT_MAPS: Readonly<Record<string, readonly { readonly field: string; readonly base64: boolean }[]>> = {
  Secret: [
    { field: 'data', base64: true },
    { field: 'stringData', base64: false },
  ],
  ConfigMap: [
    { field: 'data', base64: false },
    { field: 'binaryData', base64: true },
  ],
  PersistentVolumeClaim: [],
};

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** No message shows a value: it may be a secret. */
function checkTextMap(object: KubernetesObject, field: string, base64: boolean): Diagnostic[] {
  const values = object.root.fields.get(field);
  if (values === undefined || (values.kind === 'scalar' && values.value === null)) return [];
  const here = `${object.kind} ${object.name}: ${field}`;
  const report = (code: string, message: string, origin: MapNode['origin'], hint: string): Diagnostic => ({
    severity: 'error',
    code,
    message,
    ...placeOf(origin),
    hint,
  });
  if (values.kind !== 'map')
    return [report('WRONG_TYPE', `${here}: must be of type object`, values.origin, 'write key: value')];
  return [...values.fields].flatMap(([key, value]) => {
    if (value.kind === 'scalar' && value.value === null) return [];
    if (value.kind !== 'scalar' || typeof value.value !== 'string') {
      return [report('WRONG_TYPE', `${here}.${key}: must be of type string`, value.origin, 'put it in quotes')];
    }
    if (!base64 || BASE64.test(value.value.replace(/\s/g, ''))) return [];
    const hint = object.kind === 'Secret' ? 'plain text stands in stringData' : 'plain text stands in data';
    return [report('NOT_BASE64', `${here}.${key}: is not base64`, value.origin, hint)];
  });
}

function checkCompanion(object: KubernetesObject): Diagnostic[] {
  const maps = TEXT_MAPS[object.kind] ?? [];
  const problems = maps.flatMap(({ field, base64 }) => checkTextMap(object, field, base64));
  if (object.name !== '') return problems;
  const place = placeOf(object.root.origin);
  return [
    { severity: 'error', code: 'NAME_MISSING', message: `${object.kind}: metadata.name is missing`, ...place },
    ...problems,
  ];
}

const CLAIM_TEMPLATE = 'ResourceClaimTemplate';

/** A claim of whole GPUs, which are given as a count is. */
function isGpuClaim({ kind, root }: KubernetesObject): boolean {
  return kind === CLAIM_TEMPLATE && claimedGpus(root) > 0;
}

function noticeIgnored(object: KubernetesObject): Diagnostic {
  const why = explainKind(object.kind);
  return {
    severity: 'notice',
    code: 'IGNORED_DOCUMENT',
    message: `${object.kind} ${object.name} is left out${why ? `: ${why}` : ''}`,
    ...placeOf(object.root.origin),
  };
}

/**
 * Secrets, ConfigMaps and PersistentVolumeClaims by name, the last of a name wins as in `kubectl apply`. Other kinds are left out with a
 * notice each. Errors: NAME_MISSING, WRONG_TYPE, NOT_BASE64.
 */
export function readCompanions(objects: readonly KubernetesObject[]): {
  readonly companions: Companions;
  readonly diagnostics: readonly Diagnostic[];
} {
  const byName = (kind: string): ReadonlyMap<string, MapNode> =>
    new Map(objects.filter((object) => object.kind === kind).map(({ name, root }) => [name, root]));
  const diagnostics = objects.flatMap((object) => {
    if (object.kind === GRAPH_KIND || isGpuClaim(object)) return [];
    return Object.hasOwn(TEXT_MAPS, object.kind) ? checkCompanion(object) : [noticeIgnored(object)];
  });
  return {
    companions: {
      secrets: byName('Secret'),
      configMaps: byName('ConfigMap'),
      claims: byName('PersistentVolumeClaim'),
      claimTemplates: byName(CLAIM_TEMPLATE),
    },
    diagnostics,
  };
}
