import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dockerConfigFolder, type Environment } from './connect-engine.ts';
import { parseImageReference } from './image-reference.ts';

/** Docker Hub's key in credential stores. */
const HUB = 'https://index.docker.io/v1/';

/** What the engine is given for a registry; a token is what a login without a password leaves. */
type Credentials =
  | { readonly username: string; readonly password: string; readonly serveraddress: string }
  | { readonly identitytoken: string; readonly serveraddress: string };

/** Credentials and where they came from, in words; the value itself is never shown. */
export interface RegistryAuth {
  readonly source: string;
  readonly credentials: Credentials | undefined;
}

interface AuthEntry {
  readonly auth?: string;
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
}

interface DockerConfig {
  readonly auths?: Readonly<Record<string, AuthEntry>>;
  readonly credsStore?: string;
  readonly credHelpers?: Readonly<Record<string, string>>;
}

export interface RegistryAuthOptions {
  readonly env: Environment;
  /** Asks a credential helper; its stdout, or undefined when it has nothing. Rejects when it cannot be run. */
  readonly askHelper?: (helper: string, server: string, signal: AbortSignal) => Promise<string | undefined>;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Docker's own file; its fields are optional, and those of a wrong type read as if they were missing. */
function isConfig(value: unknown): value is DockerConfig {
  if (!isObject(value)) return false;
  const { auths, credHelpers, credsStore } = value;
  return (
    (auths === undefined || (isObject(auths) && Object.values(auths).every(isObject))) &&
    (credHelpers === undefined || isObject(credHelpers)) &&
    (credsStore === undefined || typeof credsStore === 'string')
  );
}

/** The settings; undefined when there is a file that cannot be read. */
async function readConfig(env: Environment): Promise<DockerConfig | undefined> {
  let text: string;
  try {
    text = await readFile(join(dockerConfigFolder(env), 'config.json'), 'utf8');
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? {} : undefined;
  }
  try {
    const parsed: unknown = JSON.parse(text);
    return isConfig(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

async function runHelper(
  helper: string,
  server: string,
  env: Environment,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { execa } = await import('execa');
  const result = await execa(`docker-credential-${helper}`, ['get'], {
    input: server,
    timeout: 10_000,
    reject: false,
    extendEnv: false,
    env: { ...env },
    cancelSignal: signal,
  });
  if (result.exitCode === undefined) throw new Error(`docker-credential-${helper} cannot be run`);
  return result.exitCode === 0 ? result.stdout : undefined;
}

/** A helper's answer as JSON `{Username, Secret}`; the user `<token>` says that the secret is an identity token. */
function readAnswer(text: string, server: string): Credentials | undefined {
  const answer: unknown = JSON.parse(text);
  if (!isObject(answer) || typeof answer.Username !== 'string' || typeof answer.Secret !== 'string') return undefined;
  const { Username: username, Secret: secret } = answer;
  if (username === '<token>') return { identitytoken: secret, serveraddress: server };
  return username === '' && secret === '' ? undefined : { username, password: secret, serveraddress: server };
}

function readEntry(entry: AuthEntry, server: string): Credentials | undefined {
  if (entry.identitytoken) return { identitytoken: entry.identitytoken, serveraddress: server };
  const [username = '', ...password] = Buffer.from(entry.auth ?? '', 'base64')
    .toString('utf8')
    .split(':');
  if (username !== '') return { username, password: password.join(':'), serveraddress: server };
  if (!entry.username) return undefined;
  return { username: entry.username, password: entry.password ?? '', serveraddress: server };
}

/** `https://nvcr.io/v2/` and `nvcr.io` are the same registry (docker/cli ConvertToHostname). */
function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
}

/**
 * The user's own login for the registry of an image, where the docker CLI looks: credHelpers, credsStore, auths of its config.json
 * (DOCKER_CONFIG). Never throws for broken settings: `source` says what was tried.
 */
export async function findRegistryAuth(
  image: string,
  options: RegistryAuthOptions,
  signal: AbortSignal,
): Promise<RegistryAuth> {
  const { registry } = parseImageReference(image);
  const server = registry === 'docker.io' ? HUB : registry;
  const config = await readConfig(options.env);
  if (!config) return { source: 'no credentials (docker config.json cannot be read)', credentials: undefined };
  const ask = options.askHelper ?? ((helper, host, abort) => runHelper(helper, host, options.env, abort));
  const helper = config.credHelpers?.[server] ?? config.credHelpers?.[registry] ?? config.credsStore;
  const tried: string[] = [];
  if (helper) {
    try {
      const credentials = readAnswer((await ask(helper, server, signal)) ?? 'null', server);
      if (credentials) return { source: `docker-credential-${helper}`, credentials };
      tried.push(`docker-credential-${helper} has none`);
    } catch {
      signal.throwIfAborted();
      tried.push(`docker-credential-${helper} failed`);
    }
  }
  const hosts = new Set([server, hostOf(server), registry]);
  for (const [key, entry] of Object.entries(config.auths ?? {})) {
    const credentials = hosts.has(key) || hosts.has(hostOf(key)) ? readEntry(entry, server) : undefined;
    if (credentials) return { source: `the docker login of ${registry}`, credentials };
  }
  return {
    source: ['no credentials', ...tried.map((text) => `(${text})`)].join(' '),
    credentials: undefined,
  };
}
