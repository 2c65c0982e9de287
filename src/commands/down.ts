import type { Command } from 'commander';
import { formatDiagnostic } from '../model/diagnostic.ts';
import { planDown } from '../plan/plan-removal.ts';
import { connectProject } from './connect-project.ts';
import { findGpuLeftovers, heldGpus } from './gpu-leftovers.ts';
import { type Io, say } from './io.ts';
import { LEAVE, lockProject } from './project-lock.ts';
import { showPlanRun } from './run-plan.ts';

interface DownFlags {
  readonly project?: string;
  readonly volumes?: boolean;
  readonly progress?: string;
}

/** `dynamo down`: removes everything a project made, whatever state it is in. */
export function registerDown(program: Command, io: Io): void {
  program
    .command('down')
    .description('stop a project and remove its containers, network and, with -v, its volumes')
    .option('-p, --project <name>', 'project name')
    .option('-v, --volumes', 'also remove the named volumes of its claims')
    .option('--progress <mode>', 'auto, tty, plain, json or quiet')
    .action((flags: DownFlags) => down(flags, io));
}

/** A holder that does not let go by then hangs, and `down` must work all the same. */
const LETS_GO_WITHIN_MS = 10_000;

async function down(flags: DownFlags, io: Io): Promise<void> {
  const { runtime, project } = await connectProject(flags.project, io);
  await using _lock = await takeOver(project, io);
  const observed = await runtime.observe(project, [], io.interrupted);
  const plan = planDown(observed, { volumes: flags.volumes ?? false });
  await showPlanRun(
    {
      plan,
      containers: observed.containers,
      runtime,
      io,
      doneText: `project ${project} is down`,
      idleText: `project ${project}: nothing to remove`,
    },
    flags.progress,
  );
  const leftovers = await findGpuLeftovers(heldGpus(observed.containers), runtime, io, io.interrupted);
  for (const leftover of leftovers) say(io, formatDiagnostic(leftover));
}

/** The lock of the project; an `up` that holds it leaves. Undefined when the holder hangs. */
async function takeOver(project: string, io: Io): Promise<AsyncDisposable | undefined> {
  const waiting = AbortSignal.any([io.interrupted, AbortSignal.timeout(LETS_GO_WITHIN_MS)]);
  let holder = '';
  const onWait = (who: string) => {
    holder = who;
  };
  try {
    return await lockProject(project, 'dynamo down', io, { ask: LEAVE, onWait }, waiting);
  } catch (error) {
    if (io.interrupted.aborted || !waiting.aborted) throw error;
    say(io, `${holder} does not let go of project ${project}; it is removed all the same`);
    return undefined;
  }
}
