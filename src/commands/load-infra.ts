import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';
import { type InfraEndpoints, parseInfraEndpoints } from '../infra/parse-endpoints.ts';
import { UserError } from '../model/diagnostic.ts';
import type { LocalOptions } from '../plan/build-desired-state.ts';
import type { Io } from './io.ts';

/** `compose/.env`: names of images that scripts/bootstrap built; the environment wins over it. */
export async function composeEnv(io: Io): Promise<Readonly<Record<string, string | undefined>>> {
  const text = await readFile(new URL('compose/.env', io.home), 'utf8').catch(() => '');
  return { ...parseEnv(text), ...io.env };
}

export interface LoadedInfra {
  readonly options: LocalOptions['infra'];
  readonly shared: InfraEndpoints | undefined;
}

/** etcd and NATS of the project: from compose/infra.yaml, or the servers of `--infra-endpoints`. `onHost`: processes of this machine ask them. */
export async function loadInfra(endpoints: string | undefined, io: Io, onHost = false): Promise<LoadedInfra> {
  if (endpoints !== undefined) {
    const shared = parseInfraEndpoints(endpoints, onHost);
    return { options: { kind: 'shared', etcd: shared.etcd.url, nats: shared.nats.url }, shared };
  }
  const path = new URL('compose/infra.yaml', io.home);
  const [text, env, { readInfra }] = await Promise.all([
    readFile(path, 'utf8').catch((cause: unknown) => {
      throw new UserError('INFRA_FILE', `${fileURLToPath(path)} cannot be read`, { cause });
    }),
    composeEnv(io),
    import('../infra/read-infra.ts'),
  ]);
  return { options: { kind: 'own', services: readInfra(fileURLToPath(path), text, env) }, shared: undefined };
}
