import type { ObservedContainer, ObservedState } from '../model/observed-state.ts';
import type { Plan } from '../model/plan.ts';
import { PlanBuilder } from './plan-builder.ts';

/** What is dead in an engine has ended; a process that is has lost its keeper and lives on. */
const UP: readonly ObservedContainer['status'][] = ['running', 'restarting', 'paused', 'dead'];

/** Seconds that a replica gets to end when it serves nobody. */
const UNSERVING_GRACE_S = 5;

/** The container, with a shorter time to end: it has nothing to finish. */
export function briefly(container: ObservedContainer): ObservedContainer {
  const graceSeconds = Math.min(container.facts.graceSeconds, UNSERVING_GRACE_S);
  return { ...container, facts: { ...container.facts, graceSeconds } };
}

function isUp({ status }: ObservedContainer): boolean {
  return UP.includes(status);
}

/** Infrastructure goes after the graph: workers take their leases back before etcd ends. A sandbox goes after those who joined it. */
function lateness(container: ObservedContainer): number {
  return container.role === 'infra' ? 2 : container.role === 'sandbox' ? 1 : 0;
}

/**
 * Stops everything of the project that runs: frontends, workers and sidecars at once, each with its grace period, then sandboxes,
 * then etcd and NATS.
 */
export function planStop(observed: ObservedState, cause: string): Plan {
  const builder = new PlanBuilder();
  addStops(observed.containers, cause, builder);
  return builder.build(observed.project, []);
}

function addStops(containers: readonly ObservedContainer[], cause: string, builder: PlanBuilder): Map<string, string> {
  const stops = new Map<string, string>();
  for (const late of [0, 1, 2]) {
    const before = [...stops.values()];
    const now = containers.filter((container) => lateness(container) === late && isUp(container));
    for (const { name, facts } of now) {
      stops.set(
        name,
        builder.add({ kind: 'stopContainer', name, graceSeconds: facts.graceSeconds }, name, cause, before),
      );
    }
  }
  return stops;
}

/** Removes everything the project made: containers as soon as each has stopped, then network, emptyDirs, and with `volumes` the claims. */
export function planDown(observed: ObservedState, options: { readonly volumes: boolean }): Plan {
  const builder = new PlanBuilder();
  const stops = addStops(
    observed.containers.filter((container) => container.role !== 'infra'),
    'down',
    builder,
  );
  const graphStopped = [...stops.values()];
  const removed = observed.containers.map((container) => {
    // Infrastructure holds nothing that outlives the project: it is removed running once nobody needs it.
    const after = container.role === 'infra' ? graphStopped : [stops.get(container.name)];
    return builder.add({ kind: 'removeContainer', name: container.name }, container.name, 'down', after);
  });
  for (const network of observed.networks) {
    builder.add({ kind: 'removeNetwork', network: network.name }, network.name, 'down', removed);
  }
  for (const volume of observed.volumes) {
    if (!volume.scratch && !options.volumes) continue;
    builder.add({ kind: 'removeVolume', volume: volume.name }, volume.name, volume.scratch ? 'down' : '-v', removed);
  }
  return builder.build(observed.project, []);
}

/** Stops and starts the given containers again and waits for them: `restart`. */
export function planRestart(observed: ObservedState, chosen: readonly ObservedContainer[]): Plan {
  const builder = new PlanBuilder();
  const ready: string[] = [];
  const replicas = new Map<string, ObservedContainer[]>();
  // On servers that are not the project's own nobody knows from here where they are.
  const isEtcd = (other: ObservedContainer) => other.role === 'infra' && other.component === 'etcd';
  const keepsEtcd = observed.containers.some(isEtcd) && !chosen.some(isEtcd);
  for (const container of chosen) {
    if (container.role === 'sandbox' || container.role === 'init') continue;
    const key =
      container.role === 'infra' ? container.name : `${container.component.toLowerCase()}-${container.replica}`;
    replicas.set(key, [...(replicas.get(key) ?? []), container]);
  }
  for (const [replica, containers] of replicas) {
    const stops = containers.flatMap((container) => {
      if (!isUp(container)) return [];
      const { name, facts } = container;
      return [builder.add({ kind: 'stopContainer', name, graceSeconds: facts.graceSeconds }, name, 'restart', [])];
    });
    const pod = containers[0]?.role === 'infra' ? [] : podOf(observed, containers);
    const held = planPod(replica, pod, stops, builder);
    const started = containers.map(({ name }) => {
      const stop = builder.has(`stopContainer:${name}`) ? `stopContainer:${name}` : undefined;
      return builder.add({ kind: 'startContainer', name }, name, 'restart', [stop, held]);
    });
    const registers = keepsEtcd && containers.some(({ facts }) => (facts.instances ?? 0) > 0);
    const first = containers[0];
    if (first?.role === 'infra') {
      const service = first.component === 'nats' ? 'nats' : 'etcd';
      ready.push(
        builder.add({ kind: 'waitHealthy', service, name: first.name, jetStream: false }, service, 'restart', started),
      );
    } else {
      const isReady = builder.add({ kind: 'waitReady', replica }, replica, 'restart', started);
      ready.push(isReady);
      if (registers)
        ready.push(builder.add({ kind: 'waitRegistered', replica }, replica, 'a frontend finds it in etcd', [isReady]));
    }
  }
  return builder.build(observed.project, []);
}

/** All containers of the replica that the given ones belong to. */
function podOf(observed: ObservedState, [first]: readonly ObservedContainer[]): readonly ObservedContainer[] {
  return observed.containers.filter(
    ({ role, component, replica }) => role !== 'infra' && component === first?.component && replica === first.replica,
  );
}

/**
 * Where the sandbox of a replica has stopped, what joined it cannot start: it is started first, and then, as a kubelet does with a new
 * sandbox, the init containers in their order, for a Memory emptyDir went with it. Returns the last step of it.
 */
function planPod(
  replica: string,
  pod: readonly ObservedContainer[],
  after: readonly string[],
  builder: PlanBuilder,
): string | undefined {
  const sandbox = pod.find(({ role }) => role === 'sandbox');
  if (!sandbox || isUp(sandbox)) return undefined;
  const { name } = sandbox;
  let last = builder.add({ kind: 'startContainer', name }, name, 'what joined it needs it', after);
  const inits = pod.filter(({ role }) => role === 'init').toSorted((a, b) => (a.startedAt ?? 0) - (b.startedAt ?? 0));
  for (const init of inits) {
    const start = builder.add({ kind: 'startContainer', name: init.name }, init.name, 'its sandbox starts anew', [
      last,
    ]);
    last = builder.add({ kind: 'waitCompleted', replica, name: init.name }, init.name, 'init containers end first', [
      start,
    ]);
  }
  return last;
}
