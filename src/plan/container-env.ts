import { createHash } from 'node:crypto';
import type { DesiredEnv } from '../model/desired-state.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import { at, booleanAt, itemsAt, type MapNode, type Node, stringAt } from '../model/node.ts';
import type { Origin } from '../model/origin.ts';
import type { CompanionValues } from './companion-values.ts';
import { expandVariables } from './expand-variables.ts';

/** Who the pod is, for `fieldRef`. */
export interface PodIdentity {
  readonly podName: string;
  readonly namespace: string;
  /** Stable between runs of an unchanged graph, so that the spec hash is. */
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
}

/** Stands for the pod's own address until its sandbox has one: the engine puts the address in when it creates the container. */
export const POD_ADDRESS = '{{dynamo:pod-address}}';
/** Stands for the address under which the host of the pod is reached. */
const HOST_ADDRESS = '127.0.0.1';

export interface ContainerEnv {
  readonly env: readonly DesiredEnv[];
  readonly diagnostics: readonly Diagnostic[];
}

/** A version-4-shaped UUID that is the same for the same text: the pod's uid. */
export function stableUid(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/**
 * The environment of a container as the kubelet makes it (pkg/kubelet/kubelet_pods.go makeEnvironmentVariables): `envFrom` first,
 * in order, then `env`, later names win; `$(NAME)` in values sees what stands before it.
 */
export function readContainerEnv(container: MapNode, identity: PodIdentity, companions: CompanionValues): ContainerEnv {
  const values = new Map<string, DesiredEnv>();
  const diagnostics: Diagnostic[] = [];
  for (const source of itemsAt(container, 'envFrom')) readEnvFrom(source, companions, values, diagnostics);
  for (const item of itemsAt(container, 'env')) {
    const name = stringAt(item, 'name');
    if (name === undefined) continue;
    const value = readEnvValue(item, identity, companions, values, diagnostics);
    if (value) {
      values.delete(name);
      values.set(name, { name, ...value });
    }
  }
  return { env: [...values.values()], diagnostics };
}

function readEnvFrom(
  source: Node,
  companions: CompanionValues,
  values: Map<string, DesiredEnv>,
  diagnostics: Diagnostic[],
): void {
  const prefix = stringAt(source, 'prefix') ?? '';
  for (const kind of ['secretRef', 'configMapRef'] as const) {
    const name = stringAt(source, kind, 'name');
    if (name === undefined) continue;
    const secret = kind === 'secretRef';
    const found = secret ? companions.secrets.get(name) : companions.configMaps.get(name);
    if (!found) {
      if (!booleanAt(source, kind, 'optional'))
        diagnostics.push(missing(secret ? 'Secret' : 'ConfigMap', name, source.origin));
      continue;
    }
    for (const [key, value] of found) {
      values.set(prefix + key, { name: prefix + key, value: value.text, secret, origin: source.origin });
    }
  }
}

function readEnvValue(
  item: Node,
  identity: PodIdentity,
  companions: CompanionValues,
  before: ReadonlyMap<string, DesiredEnv>,
  diagnostics: Diagnostic[],
): Omit<DesiredEnv, 'name'> | undefined {
  const origin = at(item, 'value')?.origin ?? item.origin;
  const from = at(item, 'valueFrom');
  if (!from) {
    const used: DesiredEnv[] = [];
    const value = expandVariables(stringAt(item, 'value') ?? '', (name) => {
      const entry = before.get(name);
      if (entry) used.push(entry);
      return entry?.value;
    });
    return { value, secret: used.some((entry) => entry.secret), origin };
  }
  const field = stringAt(from, 'fieldRef', 'fieldPath');
  if (field !== undefined) {
    const value = readField(field, identity);
    if (value === undefined) {
      diagnostics.push({
        severity: 'warning',
        code: 'FIELD_REF_UNKNOWN',
        message: `fieldRef ${field} has no meaning on one machine: ${stringAt(item, 'name') ?? ''} is left empty`,
        ...place(from.origin),
      });
    }
    return { value: value ?? '', secret: false, origin };
  }
  for (const kind of ['secretKeyRef', 'configMapKeyRef'] as const) {
    const name = stringAt(from, kind, 'name');
    const key = stringAt(from, kind, 'key');
    if (name === undefined || key === undefined) continue;
    const secret = kind === 'secretKeyRef';
    const found = (secret ? companions.secrets : companions.configMaps).get(name)?.get(key);
    if (found) return { value: found.text, secret, origin };
    if (!booleanAt(from, kind, 'optional')) {
      diagnostics.push(missing(secret ? 'Secret' : 'ConfigMap', `${name}/${key}`, from.origin));
    }
    return undefined;
  }
  return undefined;
}

function readField(path: string, identity: PodIdentity): string | undefined {
  const subscript = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path);
  if (subscript) return (subscript[1] === 'labels' ? identity.labels : identity.annotations)[subscript[2] ?? ''] ?? '';
  switch (path) {
    case 'metadata.name':
      return identity.podName;
    case 'metadata.namespace':
      return identity.namespace;
    case 'metadata.uid':
      return identity.uid;
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

function missing(kind: 'Secret' | 'ConfigMap', name: string, origin: Origin): Diagnostic {
  return {
    severity: 'warning',
    code: kind === 'Secret' ? 'SECRET_MISSING' : 'CONFIG_MAP_MISSING',
    message: `${kind} ${name} is not in the file; a cluster would keep the pod waiting for it, here its variables are left out`,
    ...place(origin),
    hint: `add the ${kind} to the file as a document of its own`,
  };
}

function place(origin: Origin): Pick<Diagnostic, 'at'> {
  return origin.kind === 'file' ? { at: origin.at } : {};
}
