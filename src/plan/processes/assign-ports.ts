import { createHash } from 'node:crypto';
import type { DesiredReplica, DesiredState } from '../../model/desired-state.ts';
import { replicaId } from '../../model/names.ts';
import type { ObservedContainer } from '../../model/observed-state.ts';
import { listPorts } from './port-settings.ts';
import type { PortMap } from './process-machine.ts';

/** Below Linux's ephemeral ports (32768 on), and such that a runtime's i16 holds them (facts/runtime.md §1.6). */
const FIRST = 20_000;
const LAST = 32_767;

/** What one replica (or `etcd`, `nats`) wants; `fixed` is a port that the user chose. */
export interface PortRequest {
  readonly id: string;
  readonly port: number;
  readonly fixed: number | undefined;
}

/** Ports of the pod that its processes listen on: those that are published or probed, and those that flags and variables set. */
export function listPortRequests(desired: DesiredState): readonly PortRequest[] {
  const infra = desired.infra.flatMap(({ service }) =>
    (service === 'etcd' ? [2379, 2380] : [4222]).map((port) => ({ id: service, port, fixed: undefined })),
  );
  return [...infra, ...desired.replicas.flatMap(requestsOf)];
}

function requestsOf({ id, containers }: DesiredReplica): readonly PortRequest[] {
  const published = containers.flatMap(({ publish }) => publish);
  const set = containers.flatMap((container) => listPorts(container));
  const ports = [...new Set([...published.map(({ containerPort }) => containerPort), ...set])];
  return ports.map((port) => {
    const fixed = published.find(({ containerPort }) => containerPort === port)?.hostPort;
    return { id, port, fixed: fixed === 0 ? undefined : fixed };
  });
}

export interface AssignPortsInput {
  readonly project: string;
  readonly requests: readonly PortRequest[];
  /** Containers of every project of the process runtime. */
  readonly observed: readonly ObservedContainer[];
  /** Whether nobody listens on a port of this machine. */
  readonly isFree: (port: number) => Promise<boolean>;
}

/**
 * A port of this machine for each: the one that a running replica has, else the first free one from a place that only depends on its
 * name, so that an unchanged graph gets the same ports again.
 */
export async function assignPorts(input: AssignPortsInput): Promise<ReadonlyMap<string, PortMap>> {
  const mine = input.observed.filter(({ project }) => project === input.project);
  const others = input.observed.filter(({ project }) => project !== input.project);
  const taken = new Set(others.flatMap(({ published }) => published.map(({ hostPort }) => hostPort)));
  const assigned = new Map<string, Map<number, number>>();
  const assign = (id: string, port: number, hostPort: number) => {
    taken.add(hostPort);
    assigned.set(id, (assigned.get(id) ?? new Map()).set(port, hostPort));
  };
  const open: PortRequest[] = [];
  for (const request of input.requests) {
    const { id, port, fixed } = request;
    const kept = fixed ?? publishedPort(mine, id, port);
    if (kept !== undefined && (fixed !== undefined || !taken.has(kept))) assign(id, port, kept);
    else open.push(request);
  }
  for (const { id, port } of open) {
    let candidate = placeOf(`${input.project}/${id}/${port}`);
    while (taken.has(candidate) || !(await input.isFree(candidate)))
      candidate = candidate === LAST ? FIRST : candidate + 1;
    assign(id, port, candidate);
  }
  return assigned;
}

function publishedPort(mine: readonly ObservedContainer[], id: string, port: number): number | undefined {
  return mine
    .filter(({ role, component, replica }) => (role === 'infra' ? component : replicaId(component, replica)) === id)
    .flatMap(({ published }) => published)
    .find(({ containerPort, hostPort }) => containerPort === port && hostPort >= FIRST)?.hostPort;
}

function placeOf(text: string): number {
  const digest = createHash('sha256').update(text).digest();
  return FIRST + (digest.readUInt32BE(0) % (LAST - FIRST + 1));
}

/** A loopback address that only depends on the replica's name, by which its registrations are told from others'. */
export function loopbackAddress(project: string, id: string): string {
  const [a = 0, b = 0, c = 0] = createHash('sha256').update(`${project}/${id}`).digest();
  // 127.0.0.0 and 127.255.255.255 are no addresses, 127.0.0.1 is everybody's.
  return `127.${1 + (a % 254)}.${b}.${1 + (c % 254)}`;
}
