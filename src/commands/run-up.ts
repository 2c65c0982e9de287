import type { RunRecord } from '../diagnose/run-record.ts';
import { ContainerEvents } from '../engine/container-events.ts';
import { executeOperation } from '../engine/execute-operation.ts';
import { secretValues } from '../engine/hide-secrets.ts';
import type { ProjectRun } from '../engine/project-run.ts';
import { walkPlan } from '../engine/walk-plan.ts';
import { prepareInfraClients } from '../infra/check-health.ts';
import { EXIT, UserError } from '../model/diagnostic.ts';
import type { Emit } from '../model/event.ts';
import type { Plan } from '../model/plan.ts';
import type { ProjectHold, Runtime } from '../model/runtime.ts';
import { endUp } from './end-up.ts';
import { tellFailure } from './explain-error.ts';
import type { GpuLedger } from './gpu-ledger.ts';
import type { Io } from './io.ts';
import type { LoadedProject } from './load-project.ts';
import { restarter } from './restarter.ts';
import { nameOf } from './run-plan.ts';
import { smokeGraph } from './smoke-graph.ts';
import type { UpFlags } from './up-flags.ts';
import { watchLoaded } from './watch-loaded.ts';

export interface RunUp {
  readonly loaded: LoadedProject;
  readonly plan: Plan;
  readonly flags: UpFlags;
  readonly io: Io;
  readonly runtime: Runtime;
  readonly emit: Emit;
  readonly record: RunRecord;
  readonly ledger: GpuLedger | undefined;
  /** Aborted when somebody who removes the project asks. */
  readonly leave: AbortSignal;
}

/** Milliseconds after which a request is on its way to the engine. */
const SENT_MS = 20;

/** Walks the plan and stays: until a signal (attached), until it is ready (detached), or until something fails, when all of it is stopped. */
export async function runUp({ loaded, plan, flags, io, runtime, emit, record, ledger, leave }: RunUp): Promise<void> {
  const { desired } = loaded;
  const attached = new AbortController();
  const startedAt = io.clock.now();
  const timeout = new AbortController();
  const timer = flags.waitTimeout === undefined ? undefined : setTimeout(() => timeout.abort(), flags.waitTimeout);
  const lost = new AbortController();
  const staying = AbortSignal.any([io.interrupted, leave, lost.signal]);
  const walking = AbortSignal.any([staying, timeout.signal]);
  let ready = false;
  /** All of the project was to stop: what a start that was under way brings up after that ends with this process. */
  let ended = false;
  let prepared = false;
  let hold: ProjectHold | undefined;
  const events = new ContainerEvents();
  const infra = new Set(desired.infra.map(({ container }) => container.name));
  const run = watchLoaded(loaded, { runtime, events, io, emit, flags });
  const removed = new Map(loaded.observed.containers.map((container) => [container.name, nameOf(container)]));
  try {
    await events.open(runtime, loaded.project, attached.signal);
    // An engine that is away for a moment keeps its containers; processes do not outlive their keeper.
    if (runtime.kind === 'process') events.lost.catch((error: unknown) => lost.abort(error));
    hold = await runtime.hold(loaded.project, walking);
    const execute = executeOperation({
      runtime,
      project: loaded.project,
      emit,
      replicaOf: (name) => run.replicaOf(name) ?? removed.get(name),
      waits: run.waits(attached.signal),
      secrets: secretValues(desired),
      onStart: (name, started) => {
        run.onStart(name, started, attached.signal);
        started.then(
          () => ledger?.started(name),
          () => undefined,
        );
        // Loading them blocks for a third of a second. Containers start in the engine meanwhile; processes are to start first.
        const isInfra = infra.delete(name);
        if (prepared || isInfra === (runtime.kind === 'process')) return;
        prepared = true;
        const services = desired.infra.map(({ service }) => service);
        io.clock.sleep(SENT_MS, attached.signal).then(
          () => prepareInfraClients(services),
          () => undefined,
        );
      },
    });
    run.attachRunning(loaded.observed.containers, plan, attached.signal, flags.detach ?? false);
    await walkPlan(plan, { execute, emit, clock: io.clock }, walking);
    clearTimeout(timer);
    const url = await run.frontendUrl(walking);
    const models = await run.models(url, walking);
    emit({ type: 'graph-ready', durationMs: io.clock.now() - startedAt, models, ...(url ? { url } : {}) });
    ready = true;
    const stays = flags.keepOnFailure ?? false;
    if (flags.smoke) await smokeGraph({ project: loaded.project, stays, runtime, io, emit }, staying);
    if (flags.detach) {
      emit({
        type: 'done',
        summary: `project ${loaded.project} is up; its liveness is not watched any more, ${restarter(runtime)} restarts what ends`,
      });
      return;
    }
    await run.untilFailure(staying);
  } catch (error) {
    clearTimeout(timer);
    const left = leave.aborted && !io.interrupted.aborted;
    if (left && ready) {
      // Whoever asked stops and removes everything, once this lets go of the lock.
      emit({ type: 'done', summary: `project ${loaded.project}: ${leave.reason.message}` });
      return;
    }
    const stopped = timeout.signal.aborted ? timeoutError(run, flags) : error;
    const failure =
      io.interrupted.aborted || left
        ? undefined
        : tellFailure(stopped, {
            evidence: await run.evidence(io.killed),
            loaded,
            io,
            emit,
            record,
            replicaOf: (name) => run.replicaOf(name),
          });
    await endUp({ failure, left, run, loaded, flags, io, runtime, emit });
    const ranBefore = loaded.observed.containers.some(({ status }) => status === 'running');
    ended = !left && (failure === undefined || !(flags.keepOnFailure || ranBefore));
    if (failure !== undefined) throw failure;
    if (left) throw leave.reason;
    throw new UserError('INTERRUPTED', 'interrupted', { exitCode: EXIT.interrupted });
  } finally {
    // Whatever was to stop has stopped: what runs now goes on.
    if (!ended) await hold?.release();
    attached.abort();
  }
}

function timeoutError(run: ProjectRun, flags: UpFlags): UserError {
  return new UserError('NOT_READY', `not ready within ${(flags.waitTimeout ?? 0) / 1000} s: ${run.describeMissing()}`, {
    exitCode: EXIT.notReady,
  });
}
