import { resolvePort } from '../engine/probe-target.ts';
import { networkOf } from '../engine/read-readiness.ts';
import { EXIT, UserError } from '../model/diagnostic.ts';
import type { Emit } from '../model/event.ts';
import type { ObservedContainer } from '../model/observed-state.ts';
import type { Runtime } from '../model/runtime.ts';
import type { SmokeTarget, SmokeWorker } from '../smoke/smoke-check.ts';
import type { Io } from './io.ts';
import { nameOf } from './run-plan.ts';

/** Where a port of a running container is reached from here; undefined: nowhere. */
function urlOf(
  container: ObservedContainer,
  port: number | undefined,
  containers: readonly ObservedContainer[],
): string | undefined {
  const found = port === undefined ? undefined : resolvePort(networkOf(container, containers), port);
  return found && `http://${found.host.includes(':') ? `[${found.host}]` : found.host}:${found.port}`;
}

/** The workers that run, and where their counters are read. */
export function runningWorkers(containers: readonly ObservedContainer[]): readonly SmokeWorker[] {
  return containers.flatMap((container) => {
    const { workerRole, systemPort } = container.facts;
    if (container.role !== 'main' || container.status !== 'running' || workerRole === undefined) return [];
    const base = urlOf(container, systemPort, containers);
    return base === undefined ? [] : [{ id: nameOf(container), role: workerRole, metricsUrl: `${base}/metrics` }];
  });
}

/** The frontend and the workers of a project. Throws NO_FRONTEND (exit 3) when no frontend runs. */
export function smokeTarget(project: string, containers: readonly ObservedContainer[]): SmokeTarget {
  const frontend = containers.find(
    ({ role, status, facts }) => role === 'main' && status === 'running' && facts.frontendPort !== undefined,
  );
  const url = frontend && urlOf(frontend, frontend.facts.frontendPort, containers);
  if (frontend === undefined || url === undefined) {
    throw new UserError('NO_FRONTEND', `project ${project} has no frontend that runs`, {
      exitCode: EXIT.preflight,
      hint: `dynamo ps -p ${project} shows what it has`,
    });
  }
  return { url, routerMode: frontend.facts.routerMode, workers: runningWorkers(containers) };
}

export interface SmokeGraph {
  readonly project: string;
  readonly stays: boolean;
  readonly runtime: Runtime;
  readonly io: Io;
  readonly emit: Emit;
}

/** Runs the suite against a project that is up, each verdict an event. Throws SMOKE_FAILED (exit 6) when a check fails; `stays`: nothing is stopped then. */
export async function smokeGraph(
  { project, stays, runtime, io, emit }: SmokeGraph,
  signal: AbortSignal,
): Promise<void> {
  const { chooseChecks, runSuite } = await import('../smoke/run-suite.ts');
  const { containers } = await runtime.observe(project, [], signal);
  const target = smokeTarget(project, containers);
  const results = await runSuite(target, chooseChecks(undefined), io.clock, signal, (result) =>
    emit({ type: 'smoke-check', ...result }),
  );
  const failed = results.filter(({ outcome }) => outcome === 'fail');
  const [first] = failed;
  if (first === undefined) return;
  const names = failed.map(({ check }) => check).join(', ');
  throw new UserError('SMOKE_FAILED', `smoke checks failed: ${names}: ${first.detail}`, {
    exitCode: EXIT.smokeFailed,
    hint: stays
      ? `the graph is left running: dynamo smoke -p ${project} asks again`
      : `--keep-on-failure leaves the graph running, and dynamo smoke -p ${project} asks again`,
  });
}
