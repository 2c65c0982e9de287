import { readFileRegistrations } from '../infra/file-registrations.ts';
import { matchRegistrations } from '../infra/match-registrations.ts';
import { readRegistrations } from '../infra/watch-registrations.ts';
import { replicaId } from '../model/names.ts';
import type { ObservedContainer } from '../model/observed-state.ts';
import { resolvePort } from './probe-target.ts';
import { networkOf } from './read-readiness.ts';

const ETCD_PORT = 2379;

/**
 * How many instances of each replica are in the project's own etcd (or folder) now, by replica id; undefined where it has none, or it does not
 * answer. Replicas that register nothing are left out.
 */
export async function readRegistered(
  containers: readonly ObservedContainer[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number> | undefined> {
  const etcd = containers.find(({ role, component }) => role === 'infra' && component === 'etcd');
  const place = etcd?.status === 'running' ? resolvePort(etcd, ETCD_PORT) : undefined;
  const expected = containers.flatMap((container) => {
    const instances = container.facts.instances ?? 0;
    if (container.role !== 'main' || instances === 0) return [];
    return [
      {
        id: replicaId(container.component, container.replica),
        component: container.component,
        instances,
        address: networkOf(container, containers).address,
        prefill: container.facts.workerRole === 'prefill',
      },
    ];
  });
  const folder = containers.find(({ facts }) => facts.registry !== undefined)?.facts.registry;
  if ((place === undefined && folder === undefined) || expected.length === 0) return undefined;
  try {
    const registrations = place
      ? await readRegistrations({ etcd: place, namespace: '' }, signal)
      : await readFileRegistrations(folder ?? '');
    const { byReplica } = matchRegistrations(registrations, expected);
    return new Map([...byReplica].map(([id, instances]) => [id, instances.length]));
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}
