import { readFile } from 'node:fs/promises';
import { parseEnv } from 'node:util';
import { EXIT, UserError } from '../model/diagnostic.ts';
import type { Companions } from '../model/graph.ts';
import { fromJson, type MapNode, map, mapAt, withField } from '../model/node.ts';
import { expandHome } from './expand-home.ts';

/** Secrets of `--secret`: their entries by name. The type is that of a docker login when the file is one. */
type GivenSecrets = ReadonlyMap<string, { readonly type: string; readonly entries: ReadonlyMap<string, string> }>;

type Environment = Readonly<Record<string, string | undefined>>;

const OPAQUE = 'Opaque';

/** `NAME.KEY=VARIABLE`; the first dot ends the name, so that `pull..dockerconfigjson` is a key too. */
const ONE_KEY = /^([^.=]+)\.([^=]+)=([A-Za-z_][A-Za-z0-9_]*)$/;

/**
 * Reads `--secret NAME=FILE` (a file of `KEY=value` lines, or docker's config.json as a pull secret) and `--secret NAME.KEY=VARIABLE`,
 * whose value is taken from the environment; later ones win. No message holds a value. INVALID_FLAG, FILE_NOT_FOUND (exit 2),
 * SECRET_MISSING (exit 3) for a variable that is not set.
 */
export async function readSecrets(flags: readonly string[], env: Environment): Promise<GivenSecrets> {
  const secrets = new Map<string, { type: string; entries: Map<string, string> }>();
  for (const flag of flags) {
    const { name, type, entries } = await readSecret(flag, env);
    const before = secrets.get(name);
    secrets.set(name, { type, entries: new Map([...(before?.entries ?? []), ...entries]) });
  }
  return secrets;
}

async function readSecret(
  flag: string,
  env: Environment,
): Promise<{ name: string; type: string; entries: ReadonlyMap<string, string> }> {
  const [, owner, key, variable] = ONE_KEY.exec(flag) ?? [];
  if (owner !== undefined && key !== undefined && variable !== undefined) {
    const value = env[variable];
    if (value === undefined) {
      throw new UserError('SECRET_MISSING', `--secret ${owner}.${key}: the variable ${variable} is not set`, {
        exitCode: EXIT.preflight,
        hint: `export ${variable}, or name a file: --secret ${owner}=FILE.env`,
      });
    }
    return { name: owner, type: OPAQUE, entries: new Map([[key, value]]) };
  }
  const equals = flag.indexOf('=');
  const name = flag.slice(0, Math.max(0, equals));
  const path = flag.slice(equals + 1);
  if (name === '' || path === '') {
    // What stands behind the name may be a value that was meant to be secret: it is not repeated.
    throw new UserError('INVALID_FLAG', `--secret ${name || '…'} has no NAME=FILE and no NAME.KEY=VARIABLE`, {
      hint: 'for example --secret hf-token-secret=tokens.env, or --secret hf-token-secret.HF_TOKEN=MY_TOKEN',
    });
  }
  const text = await readFile(expandHome(path, env), 'utf8').catch((cause: unknown) => {
    throw new UserError('FILE_NOT_FOUND', `--secret ${name}: ${path} cannot be read`, {
      hint: `a value comes from a variable: --secret ${name}.KEY=VARIABLE`,
      cause,
    });
  });
  if (isDockerConfig(text)) {
    return { name, type: 'kubernetes.io/dockerconfigjson', entries: new Map([['.dockerconfigjson', text]]) };
  }
  const entries = Object.entries(parseEnv(text)).flatMap(([entry, value]) =>
    value === undefined ? [] : [[entry, value] as const],
  );
  if (entries.length === 0) {
    throw new UserError('INVALID_FLAG', `--secret ${name}: ${path} holds no KEY=value line`);
  }
  return { name, type: OPAQUE, entries: new Map(entries) };
}

function isDockerConfig(text: string): boolean {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null && 'auths' in parsed;
  } catch {
    return false;
  }
}

/** The companions with the secrets of the command line over them, key by key. */
export function addSecrets(companions: Companions, given: GivenSecrets): Companions {
  const secrets = new Map<string, MapNode>(companions.secrets);
  for (const [name, { type, entries }] of given) {
    const origin = { kind: 'flag', flag: `--secret ${name}` } as const;
    const before = secrets.get(name) ?? map([['type', fromJson(type, origin)]], origin);
    const fields = new Map(mapAt(before, 'stringData')?.fields ?? []);
    for (const [key, value] of entries) fields.set(key, fromJson(value, origin));
    secrets.set(name, withField(before, 'stringData', map(fields, origin)));
  }
  return { ...companions, secrets };
}
