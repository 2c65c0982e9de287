import { readFileSync } from 'node:fs';
import type Docker from 'dockerode';
import { EXIT, UserError } from '../../model/diagnostic.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_HOST = 'unix:///var/run/docker.sock';

/** Where the engine listens: DOCKER_HOST, else the default socket. Engines on other machines are refused: their containers cannot be reached from here. */
export function engineAddress(
  env: Environment,
): { readonly socketPath: string } | { readonly host: string; readonly port: number } {
  const host = env.DOCKER_HOST || DEFAULT_HOST;
  if (host.startsWith('unix://')) return { socketPath: host.slice('unix://'.length) };
  const tcp = /^(?:tcp|http):\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\]):(\d+)\/?$/.exec(host);
  if (tcp) return { host: (tcp[1] ?? 'localhost').replace(/^\[|\]$/g, ''), port: Number(tcp[2]) };
  throw new UserError('ENGINE_REMOTE', `DOCKER_HOST is ${host}: an engine on another machine is not supported`, {
    exitCode: EXIT.preflight,
    hint: 'run dynamo on the machine of the engine, or unset DOCKER_HOST',
  });
}

/** A client of the engine; nothing is asked yet. */
export async function connectEngine(env: Environment): Promise<Docker> {
  const address = engineAddress(env);
  const { default: Engine } = await import('dockerode');
  return new Engine('socketPath' in address ? address : { protocol: 'http', ...address });
}

/** True inside WSL2, whose containers live in a virtual machine of their own when Docker Desktop runs them. */
export function isWsl(): boolean {
  try {
    return /microsoft/i.test(readFileSync('/proc/sys/kernel/osrelease', 'utf8'));
  } catch {
    return false;
  }
}
