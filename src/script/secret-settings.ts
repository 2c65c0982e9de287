import type { Json } from '../model/node.ts';
import { isSecretName } from '../model/secret-names.ts';
import type { ClassifiedLaunch } from './classify-launch.ts';

/** Variables whose values are secrets go into a Secret and never into the graph. */
const HUGGING_FACE: readonly string[] = ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN', 'HUGGINGFACE_HUB_TOKEN'];
/** The secret that upstream's workers read the Hugging Face token from (rule 10). */
export const TOKEN_SECRET = 'hf-token-secret';

/** A variable of a container: its value, or where the value is kept. */
export type ComponentEnv =
  | { readonly name: string; readonly value: string }
  | { readonly name: string; readonly secret: string; readonly key: string };

/** The variable as a reference to the Secret that holds it; undefined for what is no secret. */
export function secretSetting(name: string, graphName: string): ComponentEnv | undefined {
  if (HUGGING_FACE.includes(name)) return { name, secret: TOKEN_SECRET, key: 'HF_TOKEN' };
  return isSecretName(name) ? { name, secret: `${graphName}-secrets`, key: name } : undefined;
}

/** An entry of `env`. */
export function envEntry(entry: ComponentEnv): Json {
  if ('value' in entry) return { name: entry.name, value: entry.value };
  return { name: entry.name, valueFrom: { secretKeyRef: { name: entry.secret, key: entry.key } } };
}

/** The values behind the references, by Secret and key: what `up` gives the containers and `convert` does not write. */
export function collectSecrets(
  launches: readonly ClassifiedLaunch[],
  graphName: string,
): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const secrets = new Map<string, Map<string, string>>();
  for (const { launch } of launches) {
    for (const [name, value] of Object.entries(launch.env)) {
      const setting = secretSetting(name, graphName);
      if (setting === undefined || 'value' in setting) continue;
      const entries = secrets.get(setting.secret) ?? new Map<string, string>();
      entries.set(setting.key, value);
      secrets.set(setting.secret, entries);
    }
  }
  return secrets;
}

/** Shorter values are words that stand in arguments by chance. */
const LEAST_SECRET = 6;

/** Secret values that any launch exports, with the variable of each; the longest first. */
export function secretValues(launches: readonly ClassifiedLaunch[]): ReadonlyMap<string, string> {
  const found = launches.flatMap(({ launch }) =>
    Object.entries(launch.env).filter(
      ([name, value]) => value.length >= LEAST_SECRET && secretSetting(name, '') !== undefined,
    ),
  );
  return new Map(found.map(([name, value]) => [value, name] as const).toSorted(([a], [b]) => b.length - a.length));
}

/**
 * A text as a pod has it: secret values are references to their variables (`$(NAME)`), and what only looks like a reference is escaped,
 * since scripts mean it as it stands.
 */
export function podText(text: string, secrets: ReadonlyMap<string, string>): string {
  for (const [value, name] of secrets) {
    if (!text.includes(value)) continue;
    return text
      .split(value)
      .map((part) => podText(part, secrets))
      .join(`$(${name})`);
  }
  return text.replaceAll(/\$(?=[$(])/g, '$$$$');
}
