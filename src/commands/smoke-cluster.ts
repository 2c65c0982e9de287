import type { Kubectl } from '../cluster/kubectl.ts';
import type { PortForward } from '../cluster/port-forward.ts';
import type { PodState } from '../cluster/read-pods.ts';
import { EXIT, UserError } from '../model/diagnostic.ts';
import type { WorkerRole } from '../model/observed-state.ts';
import type { CheckResult, SmokeTarget, SmokeWorker } from '../smoke/smoke-check.ts';
import type { Io } from './io.ts';

export interface ClusterSmoke {
  readonly kubectl: Kubectl;
  readonly graph: string;
  readonly namespace: string | undefined;
  readonly names: readonly string[];
  readonly io: Io;
}

/** Where frontends and system servers listen when their pods do not say (operator.md §2.2, §2.3). */
const FRONTEND_PORT = 8000;
const SYSTEM_PORT = 9090;
/** Each counter page needs a kubectl of its own; of larger graphs the counters are not read. */
const MOST_WORKERS = 16;

/**
 * The suite against a graph of a cluster, through port-forwards of the user's own kubectl: the frontend, and each worker's counters.
 * What a drop spoilt is asked again. Rejects with NO_FRONTEND or PORT_FORWARD_LOST (exit 3).
 */
export async function smokeCluster(smoke: ClusterSmoke, signal: AbortSignal): Promise<readonly CheckResult[]> {
  const { kubectl, graph, namespace } = smoke;
  const [{ readPods }, { openPortForward }] = await Promise.all([
    import('../cluster/read-pods.ts'),
    import('../cluster/port-forward.ts'),
  ]);
  const pods = (await readPods(kubectl, { name: graph, namespace })).filter(({ stage }) => stage === 'ready');
  const frontend = pods.find(({ type }) => type === 'frontend');
  if (frontend === undefined) {
    throw new UserError('NO_FRONTEND', `graph ${graph} has no frontend that is ready`, {
      exitCode: EXIT.preflight,
      hint: `kubectl get pods -l nvidia.com/dynamo-graph-deployment-name=${graph} shows what it has`,
    });
  }
  const workers = pods.flatMap((pod) => {
    const role = roleOf(pod);
    return role === undefined ? [] : [{ pod, role }];
  });
  const stop = new AbortController();
  const open = (pod: PodState, port: number) =>
    openPortForward(kubectl, { pod: pod.name, port, namespace }, AbortSignal.any([signal, stop.signal]));
  try {
    const [front, ...counters] = await Promise.all([
      open(frontend, frontend.ports.get('http') ?? FRONTEND_PORT),
      ...(workers.length > MOST_WORKERS ? [] : workers).map(({ pod }) =>
        open(pod, pod.ports.get('system') ?? SYSTEM_PORT),
      ),
    ]);
    const target = {
      url: front.url,
      routerMode: frontend.routerMode,
      workers: counters.map((way, index): SmokeWorker => {
        const worker = workers[index];
        return { id: worker?.pod.name ?? '', role: worker?.role ?? 'aggregated', metricsUrl: `${way.url}/metrics` };
      }),
    };
    return await askUntilUndisturbed(target, [front, ...counters], smoke, signal);
  } finally {
    stop.abort();
  }
}

/** What failed while a way was lost says nothing of the graph. */
async function askUntilUndisturbed(
  target: SmokeTarget,
  ways: readonly PortForward[],
  { names, io }: ClusterSmoke,
  signal: AbortSignal,
): Promise<readonly CheckResult[]> {
  const { runSuite } = await import('../smoke/run-suite.ts');
  const drops = () => ways.reduce((sum, way) => sum + way.drops, 0);
  for (;;) {
    const before = drops();
    const results = await runSuite(target, names, io.clock, signal);
    if (drops() === before || results.every(({ outcome }) => outcome !== 'fail')) return results;
    await Promise.all(ways.map((way) => way.standing()));
  }
}

function roleOf({ type }: PodState): WorkerRole | undefined {
  if (type === 'prefill' || type === 'decode') return type;
  return type === 'worker' ? 'aggregated' : undefined;
}
