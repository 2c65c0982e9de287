import { resolvePort } from '../engine/probe-target.ts';
import { networkOf } from '../engine/read-readiness.ts';
import { EXIT, UserError } from '../model/diagnostic.ts';
import type { Emit } from '../model/event.ts';
import type { ObservedContainer } from '../model/observed-state.ts';
import type { Runtime } from '../model/runtime.ts';
import type { SmokeTarget } from '../smoke/smoke-check.ts';
import type { Io } from './io.ts';
import { nameOf } from './run-plan.ts';

/** The frontend and the workers of a project. Throws NO_FRONTEND (exit 3) when no frontend runs. */
export function smokeTarget(project: string, containers: readonly ObservedContainer[]): SmokeTarget {
  const running = containers.filter(({ role, status }) => role === 'main' && status === 'running');
  const place = (container: ObservedContainer, port: number | undefined) => {
    const found = port === undefined ? undefined : resolvePort(networkOf(container, containers), port);
    return found && `http://${found.host.includes(':') ? `[${found.host}]` : found.host}:${found.port}`;
  };
  const frontend = running.find(({ facts }) => facts.frontendPort !== undefined);
  const url = frontend && place(frontend, frontend.facts.frontendPort);
  if (frontend === undefined || url === undefined) {
    throw new UserError('NO_FRONTEND', `project ${project} has no frontend that runs`, {
      exitCode: EXIT.preflight,
      hint: `dynamo ps -p ${project} shows what it has`,
    });
  }
  const workers = running.flatMap((container) => {
    const { workerRole, systemPort } = container.facts;
    const base = place(container, systemPort);
    if (workerRole === undefined || base === undefined) return [];
    return [{ id: nameOf(container), role: workerRole, metricsUrl: `${base}/metrics` }];
  });
  return { url, routerMode: frontend.facts.routerMode, workers };
}

/** Runs the suite against a project that is up, each verdict an event. Throws SMOKE_FAILED (exit 6) when a check fails. */
export async function smokeGraph(
  project: string,
  runtime: Runtime,
  io: Io,
  emit: Emit,
  signal: AbortSignal,
): Promise<void> {
  const { chooseChecks, runSuite } = await import('../smoke/run-suite.ts');
  const { containers } = await runtime.observe(project, [], signal);
  const target = smokeTarget(project, containers);
  const results = await runSuite(target, chooseChecks(undefined), io.clock, signal);
  for (const result of results) emit({ type: 'smoke-check', ...result });
  const failed = results.filter(({ outcome }) => outcome === 'fail');
  const [first] = failed;
  if (first === undefined) return;
  const names = failed.map(({ check }) => check).join(', ');
  throw new UserError('SMOKE_FAILED', `smoke checks failed: ${names}: ${first.detail}`, {
    exitCode: EXIT.smokeFailed,
    hint: `dynamo smoke -p ${project} asks again; --keep-on-failure leaves the graph running for it`,
  });
}
