import { RunRecord } from '../diagnose/run-record.ts';
import { readReadyReplicas } from '../engine/read-readiness.ts';
import { EXIT, UserError } from '../model/diagnostic.ts';
import type { Emit } from '../model/event.ts';
import type { Plan } from '../model/plan.ts';
import type { Runtime } from '../model/runtime.ts';
import { TimelineRecorder } from '../timeline/record-timeline.ts';
import { checkMachine } from './check-machine.ts';
import { NO_EVIDENCE, tellFailure } from './explain-error.ts';
import { checkStillFree, gpuStarts, openGpuLedger } from './gpu-ledger.ts';
import type { Io } from './io.ts';
import { type LoadedProject, loadProject, type ProjectInput } from './load-project.ts';
import { planUp } from './plan.ts';
import { LEAVE, lockProject } from './project-lock.ts';
import { openRenderer } from './run-plan.ts';
import { type RunUp, runUp } from './run-up.ts';
import { smokeGraph } from './smoke-graph.ts';
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
  const before = await loadProject(input, flags, io, runtime, { prepares: true });
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
