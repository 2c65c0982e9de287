import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { EXIT, UserError } from '../../model/diagnostic.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export type EngineAddress = { readonly socketPath: string } | { readonly host: string; readonly port: number };

const DEFAULT_HOST = 'unix:///var/run/docker.sock';

/** Where the docker CLI keeps its settings. */
export function dockerConfigFolder(env: Environment): string {
  return env.DOCKER_CONFIG || join(env.HOME || homedir(), '.docker');
}

/** Where an engine listens, from the form of DOCKER_HOST. Engines on other machines are refused: their containers cannot be reached from here. */
export function parseEngineHost(host: string): EngineAddress {
  if (host.startsWith('unix://')) return { socketPath: host.slice('unix://'.length) };
  const tcp = /^(?:tcp|http):\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::(\d+))?\/?$/.exec(host);
  // 2375 is docker's port without TLS.
  if (tcp) return { host: (tcp[1] ?? 'localhost').replace(/^\[|\]$/g, ''), port: Number(tcp[2] ?? 2375) };
  throw new UserError(
    'ENGINE_REMOTE',
    `the Docker Engine is at ${host}: an engine on another machine is not supported`,
    {
      exitCode: EXIT.preflight,
      hint: 'run dynamo on the machine of the engine, or unset DOCKER_HOST (docker context use default)',
    },
  );
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function field(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? new Map(Object.entries(value)).get(key) : undefined;
}

/** The host of a `docker context` (rootless Docker and Docker Desktop make one): DOCKER_CONTEXT, else the chosen one. */
async function contextHost(env: Environment): Promise<string | undefined> {
  const folder = dockerConfigFolder(env);
  const chosen = env.DOCKER_CONTEXT || field(await readJson(join(folder, 'config.json')), 'currentContext');
  if (typeof chosen !== 'string' || chosen === '' || chosen === 'default') return undefined;
  const id = createHash('sha256').update(chosen).digest('hex');
  const meta = await readJson(join(folder, 'contexts', 'meta', id, 'meta.json'));
  const host = field(field(field(meta, 'Endpoints'), 'docker'), 'Host');
  return typeof host === 'string' ? host : undefined;
}

/** Where the engine listens, as the docker CLI finds it: DOCKER_HOST, the docker context, the default socket. */
export async function findEngine(env: Environment): Promise<EngineAddress> {
  return parseEngineHost(env.DOCKER_HOST || (await contextHost(env)) || DEFAULT_HOST);
}

/** A client of the engine; nothing is asked yet. */
export async function connectEngine(address: EngineAddress): Promise<Docker> {
  const { default: Engine } = await import('dockerode');
  // The empty host and the protocol keep docker-modem from mixing in its own reading of DOCKER_HOST.
  return new Engine({ protocol: 'http', host: '', ...address });
}
