import { LogReader } from '../diagnose/log-reader.ts';
import { RunRecord } from '../diagnose/run-record.ts';
import { ContainerEvents } from '../engine/container-events.ts';
import { executeOperation } from '../engine/execute-operation.ts';
import { monitorDesired } from '../engine/monitored-replica.ts';
import { isProbeNoise } from '../engine/probe-noise.ts';
import { ProjectRun } from '../engine/project-run.ts';
import { readReadyReplicas } from '../engine/read-readiness.ts';
import { walkPlan } from '../engine/walk-plan.ts';
import { prepareInfraClients } from '../infra/check-health.ts';
import { EXIT, UserError } from '../model/diagnostic.ts';
import type { Emit } from '../model/event.ts';
import type { Plan } from '../model/plan.ts';
import type { Runtime } from '../model/runtime.ts';
import { planStop } from '../plan/plan-removal.ts';
import { TimelineRecorder } from '../timeline/record-timeline.ts';
import { checkMachine } from './check-machine.ts';
import { type ErrorContext, explainError, NO_EVIDENCE } from './explain-error.ts';
import { checkStillFree, type GpuLedger, gpuStarts, openGpuLedger } from './gpu-ledger.ts';
import type { Io } from './io.ts';
import { type LoadedProject, loadProject, type ProjectInput } from './load-project.ts';
import { planUp } from './plan.ts';
import { LEAVE, lockProject } from './project-lock.ts';
import { nameOf, openRenderer } from './run-plan.ts';
import { smokeGraph } from './smoke-graph.ts';
import { stopProject } from './stop-project.ts';
import type { UpFlags } from './up-flags.ts';

/** Who did not see the graph ready cannot call it up. */
const LEFT = { exitCode: EXIT.interrupted };

interface BringUp {
  readonly input: ProjectInput;
  readonly flags: UpFlags;
  readonly io: Io;
  readonly runtime: Runtime;
}

/** One `up` from the lock to the end: ready and gone (detached), or attached until a signal, or failed and stopped. */
export async function bringUp({ input, flags, io, runtime }: BringUp): Promise<void> {
  const before = await loadProject(input, flags, io, runtime);
  const { emit: show, close } = await openRenderer(io, flags.progress);
  const record = new RunRecord();
  const times = new TimelineRecorder();
  let kept: Promise<void> | undefined;
  const emit: Emit = (body) => {
    const event = { time: io.clock.now(), ...body };
    record.handle(event);
    times.handle(event);
    if (event.type === 'graph-ready') kept = keepRun(times, io, emit);
    show(body);
  };
  try {
    let waited = false;
    const leave = new AbortController();
    await using _lock = await lockProject(
      before.project,
      `dynamo up ${input.file}`,
      io,
      {
        onWait: (holder) => {
          waited = true;
          const message = `waiting for ${holder}, which works on project ${before.project}`;
          emit({ type: 'notice', diagnostic: { severity: 'notice', code: 'LOCKED', message } });
        },
        onAsked: (asked, asker) => {
          if (asked === LEAVE) leave.abort(new UserError('LEFT', `${asker} takes the project over`, LEFT));
        },
      },
      io.interrupted,
    );
    const holder = `dynamo up ${input.file} (pid ${process.pid})`;
    const takesGpus = gpuStarts(planUp(before, flags), before).size > 0;
    await using ledger = takesGpus
      ? await openGpuLedger(
          { ...io, interrupted: AbortSignal.any([io.interrupted, leave.signal]) },
          holder,
          (diagnostic) => emit({ type: 'notice', diagnostic }),
        )
      : undefined;
    // What another `up` did while this one waited counts; the GPUs that were free may not be any more.
    const loaded = waited || ledger ? await reload(before, { input, flags, io, runtime }) : before;
    const plan = planUp(loaded, flags);
    ledger?.expect(gpuStarts(plan, loaded));
    for (const diagnostic of plan.notices) emit({ type: 'notice', diagnostic });
    emit({ type: 'plan', plan });
    if (plan.steps.length === 0 && flags.detach) {
      const smoke = { project: loaded.project, runtime, io, emit };
      if (flags.smoke) await smokeGraph({ ...smoke, stays: true }, io.interrupted);
      emit({ type: 'done', summary: `project ${loaded.project}: nothing to do, everything is up` });
      return;
    }
    await checkFirst(plan, { loaded, runtime, io, emit, record });
    await runUp({ loaded, plan, flags, io, runtime, emit, record, ledger, leave: leave.signal });
  } finally {
    await kept;
    await close();
  }
}

/** Keeps where the time went for `dynamo timeline`; what cannot be kept is said and changes nothing else. */
async function keepRun(times: TimelineRecorder, io: Io, emit: Emit): Promise<void> {
  const timeline = times.finish();
  if (timeline === undefined) return;
  try {
    const { keepTimeline } = await import('../host/timeline-file.ts');
    await keepTimeline(timeline, io.env);
  } catch (error) {
    const message = `the timeline is not kept: ${error instanceof Error ? error.message : String(error)}`;
    emit({ type: 'notice', diagnostic: { severity: 'warning', code: 'TIMELINE_LOST', message } });
  }
}

async function reload(before: LoadedProject, { input, flags, io, runtime }: BringUp): Promise<LoadedProject> {
  const images = [...before.observed.images.keys()];
  if (input.file === '-') {
    const observed = await runtime.observe(before.project, images, io.interrupted);
    checkStillFree(before, observed.gpuHolds);
    return {
      ...before,
      observed,
      readyReplicas: await readReadyReplicas(observed.containers, runtime, io.interrupted),
    };
  }
  return loadProject(input, flags, io, runtime);
}

interface RunUp {
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

/** What can be known before anything starts; a refusal is a card like any other. */
async function checkFirst(
  plan: Plan,
  { loaded, runtime, io, emit, record }: Pick<RunUp, 'loaded' | 'runtime' | 'io' | 'emit' | 'record'>,
): Promise<void> {
  try {
    await checkMachine(plan, loaded, runtime, io);
  } catch (error) {
    throw tellFailure(error, { evidence: NO_EVIDENCE, loaded, io, emit, record, replicaOf: () => undefined });
  }
}

type TellFailure = Pick<RunUp, 'loaded' | 'io' | 'emit' | 'record'> & Pick<ErrorContext, 'evidence' | 'replicaOf'>;

/** The error to throw, its card told to whoever shows events. */
function tellFailure(error: unknown, { loaded, io, emit, ...context }: TellFailure): unknown {
  const explained = explainError(error, { ...context, project: loaded.project, now: io.clock.now() });
  if (explained instanceof UserError && explained.card) emit({ type: 'failed', card: explained.card });
  return explained;
}

/** Milliseconds after which a request is on its way to the engine. */
const SENT_MS = 20;

async function runUp({ loaded, plan, flags, io, runtime, emit, record, ledger, leave }: RunUp): Promise<void> {
  const { desired } = loaded;
  const attached = new AbortController();
  const startedAt = io.clock.now();
  const timeout = new AbortController();
  const timer = flags.waitTimeout === undefined ? undefined : setTimeout(() => timeout.abort(), flags.waitTimeout);
  const staying = AbortSignal.any([io.interrupted, leave]);
  const walking = AbortSignal.any([staying, timeout.signal]);
  let ready = false;
  const events = new ContainerEvents();
  const reader = new LogReader(emit);
  const infra = new Set(desired.infra.map(({ container }) => container.name));
  const run = new ProjectRun({
    project: loaded.project,
    runtime,
    events,
    clock: io.clock,
    emit,
    isNoise: isProbeNoise,
    showLogs: flags.logs,
    onLine: (replica, line) => reader.read(replica, line),
    restartsBeforeReady: flags.restarts,
    replicas: desired.replicas.map(monitorDesired),
    names: new Map([
      ...desired.infra.map(({ service, container }) => [container.name, service] as const),
      ...desired.replicas.flatMap((replica) =>
        replica.containers.map((container) => [container.name, replica.id] as const),
      ),
    ]),
    frontends: new Map(
      desired.replicas.flatMap((replica) =>
        replica.frontendPort === undefined
          ? []
          : [
              [
                replica.id,
                {
                  container: replica.containers[0]?.name ?? '',
                  port: replica.frontendPort,
                  facts: replica.facts,
                },
              ] as const,
            ],
      ),
    ),
    shared: loaded.shared,
    namespaces: loaded.shared ? desired.replicas.flatMap(({ facts }) => facts.namespace ?? []) : [],
    settleMs: loaded.settleMs,
  });
  const removed = new Map(loaded.observed.containers.map((container) => [container.name, nameOf(container)]));
  try {
    await events.open(runtime, loaded.project, attached.signal);
    const execute = executeOperation({
      runtime,
      project: loaded.project,
      emit,
      replicaOf: (name) => run.replicaOf(name) ?? removed.get(name),
      waits: run.waits(attached.signal),
      onStart: (name, started) => {
        run.onStart(name, started, attached.signal);
        started.then(
          () => ledger?.started(name),
          () => undefined,
        );
        if (!infra.delete(name)) return;
        // Loading them blocks for a third of a second: it costs nothing while the engine starts the servers, and delays every request before.
        io.clock.sleep(SENT_MS, attached.signal).then(prepareInfraClients, () => undefined);
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
        summary: `project ${loaded.project} is up; its liveness is not watched any more, Docker restarts what ends`,
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
    if (failure !== undefined) throw failure;
    if (left) throw leave.reason;
    throw new UserError('INTERRUPTED', 'interrupted', { exitCode: EXIT.interrupted });
  } finally {
    attached.abort();
  }
}

function timeoutError(run: ProjectRun, flags: UpFlags): UserError {
  return new UserError('NOT_READY', `not ready within ${(flags.waitTimeout ?? 0) / 1000} s: ${run.describeMissing()}`, {
    exitCode: EXIT.notReady,
  });
}

interface EndUp {
  readonly failure: unknown;
  /** Somebody else takes the project over. */
  readonly left: boolean;
  readonly run: ProjectRun;
  readonly loaded: LoadedProject;
  readonly flags: UpFlags;
  readonly io: Io;
  readonly runtime: Runtime;
  readonly emit: Emit;
}

/** Seconds that a replica gets to end when it was never ready. */
const UNSERVING_GRACE_S = 5;

function endReason(failure: unknown, left: boolean): string {
  if (failure !== undefined) return 'a step failed';
  return left ? 'somebody else takes the project over' : 'interrupted';
}

/** Stops what this `up` started (interrupted: all of the project), so that GPU memory is free again; containers stay for `logs`. */
async function endUp({ failure, left, run, loaded, flags, io, runtime, emit }: EndUp): Promise<void> {
  if (failure !== undefined && flags.keepOnFailure) return;
  emit({ type: 'stopping', reason: endReason(failure, left) });
  run.stopRestarting();
  // The first signal brought us here: only the second one may cut this short.
  const observed = await runtime.observe(loaded.project, [], io.killed);
  const ours = observed.containers.filter(({ name }) => failure === undefined || run.started.has(name));
  // A process that never served has nothing to finish; many cannot even hear a signal before they have loaded.
  const unserving = run.unservingContainers();
  const brief = ours.map((container) =>
    unserving.has(container.name)
      ? {
          ...container,
          facts: { ...container.facts, graceSeconds: Math.min(container.facts.graceSeconds, UNSERVING_GRACE_S) },
        }
      : container,
  );
  await stopProject({
    plan: planStop({ ...observed, containers: brief }, 'stopping'),
    runtime,
    io,
    emit,
    project: loaded.project,
    replicaOf: (name) => run.replicaOf(name),
  });
}
