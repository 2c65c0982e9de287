import { replicaId } from '../model/names.ts';
import type { ObservedContainer } from '../model/observed-state.ts';
import type { Runtime } from '../model/runtime.ts';
import { runHandler } from '../probes/run-handler.ts';
import { makeProbeTarget } from './probe-target.ts';

/** Nobody waits longer than this for a look at what runs. */
const PROBE_TIMEOUT_MS = 2000;

/** The container that holds another's network: its sandbox, or itself. */
export function networkOf(container: ObservedContainer, all: readonly ObservedContainer[]): ObservedContainer {
  const sandbox = all.find(
    (other) =>
      other.role === 'sandbox' && other.component === container.component && other.replica === container.replica,
  );
  return sandbox ?? container;
}

/** True when the container runs and its readiness probe (else its startup probe) passes now; without either it is enough that it runs. */
export async function readReadiness(
  container: ObservedContainer,
  all: readonly ObservedContainer[],
  runtime: Runtime,
  signal: AbortSignal,
): Promise<boolean> {
  if (container.status !== 'running') return false;
  const probe = container.probes.readiness ?? container.probes.startup;
  if (!probe) return true;
  const target = makeProbeTarget(runtime, container.name, networkOf(container, all));
  const timeoutMs = Math.min(probe.timeoutSeconds * 1000, PROBE_TIMEOUT_MS);
  return (await runHandler(probe.handler, target, timeoutMs, signal)).ok;
}

/** Ids of the replicas whose containers are all ready now; every probe is asked once, all at the same time. */
export async function readReadyReplicas(
  all: readonly ObservedContainer[],
  runtime: Runtime,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const members = all.filter((container) => container.role === 'main' || container.role === 'sidecar');
  const ready = await Promise.all(members.map((container) => readReadiness(container, all, runtime, signal)));
  const idOf = (container: ObservedContainer) => replicaId(container.component, container.replica);
  const unready = new Set(members.filter((_, index) => !ready[index]).map(idOf));
  return new Set(members.map(idOf).filter((id) => !unready.has(id)));
}
