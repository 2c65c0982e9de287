import type { DesiredContainer, DesiredState } from '../../model/desired-state.ts';
import type { Diagnostic } from '../../model/diagnostic.ts';
import type { AppliedDeviation } from '../deviations.ts';
import { layOutInfra } from './infra-process.ts';
import { layOutContainer } from './lay-out-container.ts';
import { registryFolder } from './process-env.ts';
import type { PortMap, ProcessMachine } from './process-machine.ts';
import { processNotices, refuseImages } from './process-notices.ts';
import type { Places } from './rewrite-places.ts';

export interface LayOutProcessesInput {
  readonly desired: DesiredState;
  readonly machine: ProcessMachine;
  /** By replica id, and by `etcd` and `nats`. */
  readonly ports: ReadonlyMap<string, PortMap>;
}

export interface LaidOutProcesses {
  readonly desired: DesiredState;
  readonly deviations: readonly AppliedDeviation[];
  readonly diagnostics: readonly Diagnostic[];
}

const NO_PORTS: PortMap = new Map();

/**
 * Containers as processes of this machine: what a container gave for free (its own ports, names, paths, devices) is put into flags and
 * variables, together and with a reason; what cannot be had is refused or said by name.
 */
export function layOutProcesses({ desired, machine, ports }: LayOutProcessesInput): LaidOutProcesses {
  const diagnostics: Diagnostic[] = [...desired.replicas.flatMap(refuseImages), ...processNotices(desired, machine)];
  const deviations: AppliedDeviation[] = [];
  const places = placesOf(desired, ports);
  const scratch = new Set(desired.volumes.flatMap((volume) => (volume.scratch ? [volume.name] : [])));
  const registry = machine.infra.kind === 'files' ? { registry: registryFolder(machine.folder) } : {};
  const replicas = desired.replicas.map((replica) => {
    const mine = ports.get(replica.id) ?? NO_PORTS;
    const containers = replica.containers
      .filter(({ role }) => role !== 'sandbox')
      .map((container) => {
        const laid = layOutContainer(container, { replica, ports: mine, places, scratch, desired, machine });
        deviations.push(...laid.deviations);
        diagnostics.push(...laid.diagnostics);
        return laid.container;
      });
    return { ...replica, containers, facts: { ...replica.facts, ...registry } };
  });
  const { infra } = machine;
  const servers = infra.kind !== 'own' ? [] : desired.infra.filter(({ service }) => infra[service] !== undefined);
  return {
    desired: {
      ...desired,
      infra: servers.map((server) =>
        layOutInfra(server, (infra.kind === 'own' ? infra[server.service] : undefined) ?? '', {
          project: desired.project,
          folder: machine.folder,
          ports: ports.get(server.service) ?? NO_PORTS,
        }),
      ),
      servers: machine.infra.kind === 'files' ? { nats: false, jetStream: false, ...registry } : desired.servers,
      replicas,
      notices: [...desired.notices, ...distinct(diagnostics.filter(({ severity }) => severity !== 'error'))],
    },
    deviations,
    diagnostics: distinct(diagnostics),
  };
}

function distinct(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return [...new Map(diagnostics.map((entry) => [`${entry.code} ${entry.message}`, entry])).values()];
}

/** The names of the project's network: of etcd and NATS, and of the first replica of each component. */
function placesOf(desired: DesiredState, ports: ReadonlyMap<string, PortMap>): Places {
  const places = new Map<string, PortMap>();
  const add = (container: DesiredContainer | undefined, map: PortMap) => {
    const names = container?.network.kind === 'bridge' ? container.network.aliases : [];
    for (const name of names) if (!places.has(name)) places.set(name, map);
  };
  for (const { service, container } of desired.infra) add(container, ports.get(service) ?? NO_PORTS);
  for (const { id, containers } of desired.replicas) {
    add(
      containers.find(({ network }) => network.kind === 'bridge'),
      ports.get(id) ?? NO_PORTS,
    );
  }
  return places;
}
