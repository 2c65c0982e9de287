import type { DesiredReplica } from '../model/desired-state.ts';
import { replicaId } from '../model/names.ts';
import type { ObservedContainer, ReplicaFacts } from '../model/observed-state.ts';
import type { Probes } from '../model/probe.ts';

/** A container whose probes count for its replica. */
export interface MonitoredContainer {
  readonly name: string;
  readonly probes: Probes;
  readonly graceSeconds: number;
  /** The container that holds its network: itself, or the sandbox it joined. */
  readonly network: string;
}

/** What must be watched of a replica, from a desired state or from what runs. */
export interface MonitoredReplica {
  readonly id: string;
  readonly component: string;
  /** Instances that it puts into etcd; 0 where it registers none. */
  readonly instances: number;
  readonly prefill: boolean;
  /** Its instances are services of NATS as well. */
  readonly natsServices: boolean;
  readonly containers: readonly MonitoredContainer[];
}

export function monitorDesired(replica: DesiredReplica): MonitoredReplica {
  return {
    ...servingOf(replica.component, replica.facts),
    id: replica.id,
    containers: replica.containers
      .filter((container) => container.role === 'main' || container.role === 'sidecar')
      .map(({ name, probes, graceSeconds, network }) => ({
        name,
        probes,
        graceSeconds,
        network: network.kind === 'container' ? network.name : name,
      })),
  };
}

function servingOf(
  component: string,
  facts: ReplicaFacts | undefined,
): Pick<MonitoredReplica, 'component' | 'instances' | 'prefill' | 'natsServices'> {
  return {
    component,
    instances: facts?.instances ?? 0,
    prefill: facts?.workerRole === 'prefill',
    natsServices: facts?.natsServices ?? false,
  };
}

/** The replicas of observed containers; the sandbox, where there is one, holds the network of all others. */
export function monitorObserved(containers: readonly ObservedContainer[]): readonly MonitoredReplica[] {
  const byReplica = new Map<string, ObservedContainer[]>();
  for (const container of containers) {
    if (container.role === 'infra' || container.role === 'init') continue;
    const id = replicaId(container.component, container.replica);
    byReplica.set(id, [...(byReplica.get(id) ?? []), container]);
  }
  return [...byReplica].map(([id, members]) => {
    const sandbox = members.find((member) => member.role === 'sandbox');
    const main = members.find((member) => member.role === 'main');
    return {
      ...servingOf(members[0]?.component ?? '', main?.facts),
      id,
      containers: members
        .filter((member) => member.role !== 'sandbox')
        .map(({ name, probes, facts }) => ({
          name,
          probes,
          graceSeconds: facts.graceSeconds,
          network: sandbox?.name ?? name,
        })),
    };
  });
}
