import type { Command } from 'commander';
import { planDown } from '../plan/plan-removal.ts';
import { chooseProject } from './choose-project.ts';
import { connect } from './connect.ts';
import type { Io } from './io.ts';
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

async function down(flags: DownFlags, io: Io): Promise<void> {
  const runtime = await connect(io);
  const project = await chooseProject(flags.project, io.env, runtime, io.interrupted);
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
}
