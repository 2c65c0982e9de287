import type { ProjectRun } from '../engine/project-run.ts';
import type { Emit } from '../model/event.ts';
import type { Runtime } from '../model/runtime.ts';
import { briefly, planStop } from '../plan/plan-removal.ts';
import { findGpuLeftovers, heldGpus } from './gpu-leftovers.ts';
import type { Io } from './io.ts';
import type { LoadedProject } from './load-project.ts';
import { stopProject } from './stop-project.ts';
import type { UpFlags } from './up-flags.ts';

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

function endReason(failure: unknown, left: boolean): string {
  if (failure !== undefined) return 'a step failed';
  return left ? 'somebody else takes the project over' : 'interrupted';
}

/** Stops what this `up` started (interrupted: all of the project), so that GPU memory is free again; containers stay for `logs`. */
export async function endUp({ failure, left, run, loaded, flags, io, runtime, emit }: EndUp): Promise<void> {
  if (failure !== undefined && flags.keepOnFailure) return;
  emit({ type: 'stopping', reason: endReason(failure, left) });
  run.stopRestarting();
  // The first signal brought us here: only the second one may cut this short.
  const observed = await runtime.observe(loaded.project, [], io.killed);
  const ours = observed.containers.filter(({ name }) => failure === undefined || run.started.has(name));
  // A process that never served has nothing to finish; many cannot even hear a signal before they have loaded.
  const unserving = run.unservingContainers();
  const brief = ours.map((container) => (unserving.has(container.name) ? briefly(container) : container));
  await stopProject({
    plan: planStop({ ...observed, containers: brief }, 'stopping'),
    runtime,
    io,
    emit,
    project: loaded.project,
    replicaOf: (name) => run.replicaOf(name),
  });
  const leftovers = await findGpuLeftovers(heldGpus(ours), runtime, io, io.killed);
  for (const diagnostic of leftovers) emit({ type: 'notice', diagnostic });
}
