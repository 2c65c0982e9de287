import type { Companions } from '../model/graph.ts';
import { type MapNode, mapAt } from '../model/node.ts';
import { HF_SECRET } from './missing-companion.ts';

/** The value of one key of a Secret or ConfigMap: its text for the environment, its bytes for a file. */
export interface CompanionValue {
  readonly text: string;
  readonly bytes: Uint8Array;
  /** Of `binaryData`: files have it, variables do not (pkg/kubelet/kubelet_pods.go makeEnvironmentVariables reads `data` alone). */
  readonly fileOnly?: boolean;
}

/** Values by object name, then by key in written order. */
export interface CompanionValues {
  readonly secrets: ReadonlyMap<string, ReadonlyMap<string, CompanionValue>>;
  readonly configMaps: ReadonlyMap<string, ReadonlyMap<string, CompanionValue>>;
}

function readEntries(node: MapNode, field: string, encoding: 'utf8' | 'base64'): [string, CompanionValue][] {
  const entries: [string, CompanionValue][] = [];
  for (const [key, value] of mapAt(node, field)?.fields ?? []) {
    if (value.kind !== 'scalar' || value.value === null) continue;
    const bytes = Buffer.from(String(value.value), encoding);
    entries.push([key, { text: bytes.toString('utf8'), bytes }]);
  }
  return entries;
}

/**
 * What the Secret and ConfigMap documents hold; `stringData` beats `data`, as in the API server. `hfToken`, when the user has one, stands
 * in for a `hf-token-secret` that no file defines: every example names it and none brings it (facts/deployment-yaml.md §2.4).
 * `given` are values of a launch script, by Secret and key.
 */
export function readCompanionValues(
  companions: Companions,
  hfToken: string | undefined,
  given: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map(),
): CompanionValues {
  const secrets = new Map<string, ReadonlyMap<string, CompanionValue>>();
  const configMaps = new Map<string, ReadonlyMap<string, CompanionValue>>();
  for (const [name, node] of companions.secrets) {
    secrets.set(name, new Map([...readEntries(node, 'data', 'base64'), ...readEntries(node, 'stringData', 'utf8')]));
  }
  for (const [name, node] of companions.configMaps) {
    const binary = readEntries(node, 'binaryData', 'base64').map(([key, value]): [string, CompanionValue] => [
      key,
      { ...value, fileOnly: true },
    ]);
    configMaps.set(name, new Map([...readEntries(node, 'data', 'utf8'), ...binary]));
  }
  for (const [name, entries] of given) {
    const values = [...entries].map(([key, text]): [string, CompanionValue] => [
      key,
      { text, bytes: Buffer.from(text) },
    ]);
    secrets.set(name, new Map([...(secrets.get(name) ?? []), ...values]));
  }
  if (!secrets.has(HF_SECRET) && hfToken) {
    const value = { text: hfToken, bytes: Buffer.from(hfToken) };
    secrets.set(HF_SECRET, new Map([['HF_TOKEN', value]]));
  }
  return { secrets, configMaps };
}
