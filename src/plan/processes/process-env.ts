import type { DesiredEnv, DesiredReplica } from '../../model/desired-state.ts';
import type { Origin } from '../../model/origin.ts';
import type { ProcessMachine } from './process-machine.ts';

/** Variables to set, and to take away (undefined), with the row of deviations that they belong to. */
export interface EnvChange {
  readonly deviation: string;
  readonly reason: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The file's own value stays. */
  readonly yields?: boolean;
}

/** The environment with the changes applied, and what each of them did. */
export function applyEnv(
  env: readonly DesiredEnv[],
  changes: readonly EnvChange[],
): { readonly env: readonly DesiredEnv[]; readonly applied: readonly (EnvChange & { env: Record<string, string> })[] } {
  const values = new Map(env.map((entry) => [entry.name, entry]));
  const applied: (EnvChange & { env: Record<string, string> })[] = [];
  for (const change of changes) {
    const origin: Origin = { kind: 'local', deviation: change.deviation, reason: change.reason };
    const done: Record<string, string> = {};
    for (const [name, value] of Object.entries(change.env)) {
      const before = values.get(name);
      if (before?.value === value || (change.yields && before !== undefined)) continue;
      if (value === undefined) values.delete(name);
      else values.set(name, { name, value, secret: false, origin });
      if (value !== undefined || before !== undefined) done[name] = value ?? '';
    }
    if (Object.keys(done).length > 0) applied.push({ ...change, env: done });
  }
  return { env: [...values.values()], applied };
}

/** Where processes of a project without etcd register. */
export function registryFolder(folder: string): string {
  return `${folder}/scratch/discovery`;
}

/** A runtime without a server finds others in a directory: facts/versions.md §2, from 1.2 on. */
export function fileDiscovery(folder: string): EnvChange {
  return {
    deviation: 'file-discovery',
    reason: 'no etcd is on this machine: processes find each other through files of the project',
    env: {
      DYN_DISCOVERY_BACKEND: 'file',
      DYN_FILE_KV: registryFolder(folder),
      DYN_REQUEST_PLANE: 'tcp',
      DYN_EVENT_PLANE: 'zmq',
      ETCD_ENDPOINTS: undefined,
      NATS_SERVER: undefined,
    },
  };
}

/** Every address of a Dynamo process on loopback, and one of its own for requests, by which it is told from its neighbours. */
export function loopbackPlaces(replica: DesiredReplica, address: string, machine: ProcessMachine): EnvChange {
  return {
    deviation: 'loopback',
    reason: 'replicas share the network of this machine: each takes requests at a loopback address of its own',
    yields: true,
    env: {
      DYN_TCP_RPC_HOST: address,
      // The name of an interface (facts/runtime.md §1.4).
      DYN_TCP_RESPONSE_STREAM_HOST: 'lo',
      DYN_SYSTEM_HOST: '127.0.0.1',
      ...(replica.frontendPort === undefined ? {} : { DYN_HTTP_HOST: machine.bind }),
    },
  };
}

/** CUDA takes UUIDs; numbers that the file gives count among the replica's own GPUs. */
export function visibleGpus(env: readonly DesiredEnv[], gpus: readonly string[]): EnvChange {
  const written = env.find(({ name }) => name === 'CUDA_VISIBLE_DEVICES')?.value;
  const chosen = (written ?? '').split(',').map((text) => gpus[Number(text)]);
  const some = written !== undefined && /^\d+(?:,\d+)*$/.test(written) && chosen.every((uuid) => uuid !== undefined);
  return {
    deviation: 'visible-gpus',
    reason: 'a process sees every GPU of the machine: CUDA is told which are meant',
    env: { CUDA_VISIBLE_DEVICES: (some ? chosen : gpus).join(','), NVIDIA_VISIBLE_DEVICES: undefined },
  };
}
