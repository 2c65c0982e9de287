import type { Node } from '../model/node.ts';

/**
 * How Go holds a field of a PodSpec: decides what a merge does with it and when it is left out of the JSON.
 * Names mean the same everywhere below a PodSpec, so the tables go by name (k8s.io/api/core/v1 types.go).
 */
export type FieldKind = 'scalar' | 'pointer' | 'intOrString' | 'slice' | 'map' | 'struct' | 'pointerToStruct';

/** Scalars behind a pointer: 0, false and '' are values of their own. */
const POINTERS: ReadonlySet<string> = new Set([
  'activeDeadlineSeconds',
  'allowPrivilegeEscalation',
  'appProtocol',
  'automountServiceAccountToken',
  'defaultMode',
  'enableServiceLinks',
  'expirationSeconds',
  'fsGroup',
  'fsGroupChangePolicy',
  'hostUsers',
  'localhostProfile',
  'minDomains',
  'mode',
  'mountPropagation',
  'optional',
  'preemptionPolicy',
  'priority',
  'privileged',
  'procMount',
  'readOnlyRootFilesystem',
  'recursiveReadOnly',
  'resourceClaimName',
  'resourceClaimTemplateName',
  'runAsGroup',
  'runAsNonRoot',
  'runAsUser',
  'runtimeClassName',
  'service',
  'setHostnameAsFQDN',
  'shareProcessNamespace',
  'sizeLimit',
  'storageClassName',
  'supplementalGroupsPolicy',
  'terminationGracePeriodSeconds',
  'tolerationSeconds',
  'type',
]);

/** Maps of Go: merged key by key, their values kept even when empty. */
const MAPS: ReadonlySet<string> = new Set([
  'annotations',
  'labels',
  'limits',
  'matchLabels',
  'nodeSelector',
  'overhead',
  'requests',
  'volumeAttributes',
]);

/** Structs held by value; every other object is behind a pointer. */
const STRUCTS: ReadonlySet<string> = new Set(['metadata', 'resources', 'spec']);

/** Fields that Go writes even when they are zero (no `omitempty`). */
const ALWAYS_WRITTEN: ReadonlySet<string> = new Set([
  'containerPort',
  'key',
  'mountPath',
  'name',
  'path',
  'port',
  'topologyKey',
]);

/** The kind of a field, by its name, the name of the object it is in, and its value. */
export function fieldKind(key: string, parent: string, value: Node): FieldKind {
  if (value.kind === 'list') return 'slice';
  if (value.kind === 'map') return MAPS.has(key) ? 'map' : STRUCTS.has(key) ? 'struct' : 'pointerToStruct';
  if (key === 'port' && (parent === 'httpGet' || parent === 'tcpSocket')) return 'intOrString';
  return POINTERS.has(key) ? 'pointer' : 'scalar';
}

/** The zero value of Go for a scalar. */
export function isZero(value: Node): boolean {
  return value.kind === 'scalar' && (value.value === '' || value.value === 0 || value.value === false);
}

/** False where Go leaves the field out of the JSON. */
export function isWritten(key: string, parent: string, value: Node): boolean {
  if (MAPS.has(parent)) return true;
  switch (fieldKind(key, parent, value)) {
    case 'scalar':
      return ALWAYS_WRITTEN.has(key) || !isZero(value);
    case 'slice':
      return value.kind === 'list' && value.items.length > 0;
    case 'map':
    case 'struct':
      return value.kind === 'map' && value.fields.size > 0;
    default:
      return true;
  }
}
