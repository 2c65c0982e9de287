import { networkOf, readReadiness } from '../engine/read-readiness.ts';
import type { ObservedContainer } from '../model/observed-state.ts';
import type { Runtime } from '../model/runtime.ts';
import { nameOf } from './run-plan.ts';
import { runningWorkers } from './smoke-graph.ts';

/** One replica as `ps` shows it; the JSON form is stable. */
export interface ReplicaRow {
  readonly project: string;
  readonly graph: string;
  readonly component: string;
  readonly type: string;
  readonly replica: number;
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly runtimeVersion: string;
  readonly stage: string;
  readonly status: string;
  readonly exitCode: number | null;
  readonly startedAt: string | null;
  readonly restarts: number;
  /** Instances that it has in etcd now; null where nobody can tell. */
  readonly registered: number | null;
  /** Instances that it shall have. */
  readonly instances: number;
  /** Requests since its process began, by its own counter; null where it has none that can be read. */
  readonly served: number | null;
  readonly gpus: readonly string[];
  readonly address: string | null;
  readonly url: string | null;
  readonly liveness: 'watched' | 'not watched';
}

/** `ready` when its readiness probe passes now; replicas without one are ready while they run. */
async function readStage(
  container: ObservedContainer,
  all: readonly ObservedContainer[],
  runtime: Runtime,
  signal: AbortSignal,
): Promise<string> {
  if (container.status !== 'running')
    return container.status === 'exited' && container.exitCode !== 0 ? 'failed' : container.status;
  if (container.role === 'infra') return 'running';
  return (await readReadiness(container, all, runtime, signal)) ? 'ready' : 'started';
}

interface Counts {
  readonly registered: ReadonlyMap<string, number>;
  readonly served: ReadonlyMap<string, number>;
}

async function readCounts(containers: readonly ObservedContainer[], signal: AbortSignal): Promise<Counts> {
  // Where workers have ended, what they registered may still be there; where all has, nothing is worth loading.
  if (containers.every(({ status }) => status !== 'running')) return { registered: new Map(), served: new Map() };
  const workers = runningWorkers(containers);
  const [{ readRegistered }, { readServed }] = await Promise.all([
    import('../engine/read-registered.ts'),
    import('../smoke/worker-checks.ts'),
  ]);
  const [registered, counts] = await Promise.all([
    readRegistered(containers, signal),
    Promise.all(workers.map((worker) => readServed(worker, signal))),
  ]);
  const served = workers.flatMap(({ id }, index) => {
    const count = counts[index];
    return typeof count === 'number' ? [[id, count] as const] : [];
  });
  return { registered: registered ?? new Map(), served: new Map(served) };
}

/** The rows of a project's main containers; each readiness probe is asked once, all at the same time. */
export async function readRows(
  containers: readonly ObservedContainer[],
  runtime: Runtime,
  signal: AbortSignal,
): Promise<readonly ReplicaRow[]> {
  const shown = containers.filter((container) => container.role === 'main' || container.role === 'infra');
  const counting = readCounts(containers, signal);
  return Promise.all(
    shown.map(async (container) => {
      const network = networkOf(container, containers);
      const id = nameOf(container);
      const port = network.published.find((published) => published.containerPort === container.facts.frontendPort);
      const host = port?.hostAddress === '0.0.0.0' ? '127.0.0.1' : port?.hostAddress;
      return {
        project: container.project,
        graph: container.graph,
        component: container.component,
        type: container.type,
        replica: container.replica,
        id,
        name: container.name,
        image: container.image,
        runtimeVersion: container.facts.runtimeVersion,
        stage: await readStage(container, containers, runtime, signal),
        status: container.status,
        exitCode: container.exitCode ?? null,
        startedAt: container.startedAt === undefined ? null : new Date(container.startedAt).toISOString(),
        restarts: container.restartCount,
        registered: (await counting).registered.get(id) ?? null,
        instances: container.facts.instances ?? 0,
        served: (await counting).served.get(id) ?? null,
        gpus: container.gpus,
        address: network.address ?? null,
        url: port ? `http://${host}:${port.hostPort}` : null,
        liveness: container.restartPolicy === 'no' ? ('watched' as const) : ('not watched' as const),
      };
    }),
  );
}
