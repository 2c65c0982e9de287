import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Environment } from './connect-engine.ts';

/** What the engine gets for a registry, and where it came from; the value itself is never shown. */
export interface RegistryAuth {
  readonly source: string;
  readonly auth: { readonly username: string; readonly password: string; readonly serveraddress: string } | undefined;
}

/** Docker Hub's key in credential stores. */
const HUB = 'https://index.docker.io/v1/';

/** The registry host of an image reference, as docker reads it: the part before the first `/` when it looks like a host. */
export function registryOf(image: string): string {
  const first = image.split('/')[0] ?? '';
  const isHost = image.includes('/') && (first.includes('.') || first.includes(':') || first === 'localhost');
  return isHost ? first : HUB;
}

interface DockerConfig {
  readonly auths?: Readonly<Record<string, { readonly auth?: string }>>;
  readonly credsStore?: string;
  readonly credHelpers?: Readonly<Record<string, string>>;
}

function isConfig(value: unknown): value is DockerConfig {
  return typeof value === 'object' && value !== null;
}

async function readConfig(env: Environment): Promise<DockerConfig> {
  const folder = env.DOCKER_CONFIG || join(env.HOME ?? '/root', '.docker');
  try {
    const parsed: unknown = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
    return isConfig(parsed) ? parsed : {};
  } catch {
    return {};
  }
}

async function askHelper(helper: string, registry: string, env: Environment): Promise<RegistryAuth['auth']> {
  const { execa } = await import('execa');
  const result = await execa(`docker-credential-${helper}`, ['get'], {
    input: registry,
    timeout: 10_000,
    reject: false,
    extendEnv: false,
    env: { ...env },
  });
  if (result.exitCode !== 0) return undefined;
  const answer: unknown = JSON.parse(result.stdout);
  if (typeof answer !== 'object' || answer === null || !('Username' in answer) || !('Secret' in answer))
    return undefined;
  return { username: String(answer.Username), password: String(answer.Secret), serveraddress: registry };
}

/** The user's own docker login for the registry of an image: credHelpers, then credsStore, then auths, as the docker CLI looks. */
export async function findRegistryAuth(image: string, env: Environment): Promise<RegistryAuth> {
  const registry = registryOf(image);
  const config = await readConfig(env);
  const helper = config.credHelpers?.[registry] ?? config.credsStore;
  if (helper !== undefined) {
    const auth = await askHelper(helper, registry, env).catch(() => undefined);
    if (auth) return { source: `docker-credential-${helper}`, auth };
  }
  const encoded = config.auths?.[registry]?.auth ?? config.auths?.[`https://${registry}`]?.auth;
  if (encoded) {
    const [username = '', ...password] = Buffer.from(encoded, 'base64').toString('utf8').split(':');
    return { source: 'docker login', auth: { username, password: password.join(':'), serveraddress: registry } };
  }
  return { source: 'no credentials', auth: undefined };
}
