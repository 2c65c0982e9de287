import type { DesiredEnv } from '../model/desired-state.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import { expandVariables } from '../model/expand-variables.ts';
import { at, itemsAt, type MapNode, mapAt, type Node, stringAt } from '../model/node.ts';
import type { Origin } from '../model/origin.ts';
import type { CompanionValues } from './companion-values.ts';
import { missingCompanion } from './missing-companion.ts';
import { type PodIdentity, readField, readResource } from './pod-identity.ts';

export interface ContainerEnv {
  readonly env: readonly DesiredEnv[];
  readonly diagnostics: readonly Diagnostic[];
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
    const value = readEnvValue(item, { container, identity, companions, before: values, diagnostics });
    if (value) {
      values.delete(name);
      values.set(name, { name, ...value });
    }
  }
  const env = [...values.values()];
  for (const { name, value, origin } of env) {
    if (!value.includes('\0')) continue;
    diagnostics.push({
      severity: 'error',
      code: 'VARIABLE_BINARY',
      message: `the value of ${name} has a zero byte, which no environment can hold`,
      ...place(origin),
      hint: 'mount it as a file',
    });
  }
  return { env: env.filter(({ value }) => !value.includes('\0')), diagnostics };
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
      const reference = mapAt(source, kind) ?? source;
      diagnostics.push(...missingCompanion({ kind: secret ? 'Secret' : 'ConfigMap', name, reference }));
      continue;
    }
    for (const [key, value] of found) {
      if (value.fileOnly) continue;
      values.set(prefix + key, { name: prefix + key, value: value.text, secret, origin: source.origin });
    }
  }
}

interface EnvContext {
  readonly container: MapNode;
  readonly identity: PodIdentity;
  readonly companions: CompanionValues;
  /** What stands before the variable. */
  readonly before: ReadonlyMap<string, DesiredEnv>;
  readonly diagnostics: Diagnostic[];
}

function readEnvValue(item: Node, context: EnvContext): Omit<DesiredEnv, 'name'> | undefined {
  const { identity, companions, before, diagnostics } = context;
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
  const resource = mapAt(from, 'resourceFieldRef');
  if (field !== undefined || resource) {
    const value = resource ? readResource(resource, identity, context.container) : readField(field ?? '', identity);
    if (value === undefined) {
      const what = field === undefined ? `resourceFieldRef ${stringAt(resource, 'resource')}` : `fieldRef ${field}`;
      diagnostics.push({
        severity: 'warning',
        code: 'FIELD_REF_UNKNOWN',
        message: `${what} has no meaning on one machine: ${stringAt(item, 'name') ?? ''} is left empty`,
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
    const object = (secret ? companions.secrets : companions.configMaps).get(name);
    const found = object?.get(key);
    if (found && !found.fileOnly) return { value: found.text, secret, origin };
    const reference = mapAt(from, kind) ?? from;
    const missing = { kind: secret ? 'Secret' : 'ConfigMap', name, reference } as const;
    diagnostics.push(...missingCompanion(object ? { ...missing, key } : missing));
    return undefined;
  }
  return undefined;
}

function place(origin: Origin): Pick<Diagnostic, 'at'> {
  return origin.kind === 'file' ? { at: origin.at } : {};
}
