import type { Command } from 'commander';
import { formatDiagnostic } from '../model/diagnostic.ts';
import { PlanBuilder } from '../plan/plan-builder.ts';
import { connectGraph } from './connect.ts';
import { addGraphFlags, type GraphFlags } from './graph-flags.ts';
import { type Io, say } from './io.ts';
import { loadProject, type ProjectInput } from './load-project.ts';
import { showPlanRun } from './run-plan.ts';
import { SCRIPT_ARGUMENTS, scriptArguments } from './script-flags.ts';

/** What concerns pulls among the notices of a graph. */
const ABOUT_PULLS: readonly string[] = ['PULL_SECRET_MISSING', 'PULL_SECRET_OPT_OUT', 'IMAGE_PLACEHOLDER'];

interface PullFlags extends GraphFlags {
  readonly progress?: string;
}

/** `dynamo pull`: fetches the images of a graph that are not here, all at once; `--pull always` fetches every one. */
export function registerPull(program: Command, io: Io): void {
  addGraphFlags(
    program
      .command('pull')
      .description('pull the images of a graph')
      .argument('<file>', 'YAML file, launch script, or - for YAML on stdin')
      .argument('[args...]', SCRIPT_ARGUMENTS),
  )
    .option('--progress <mode>', 'auto, tty, plain, json or quiet')
    .action((file: string, args: readonly string[], flags: PullFlags, command: Command) =>
      pull({ file, scriptArgs: scriptArguments(args, command) }, flags, io),
    );
}

async function pull(input: ProjectInput, flags: PullFlags, io: Io): Promise<void> {
  const runtime = await connectGraph(flags, io);
  const { project, desired, observed } = await loadProject(input, flags, io, runtime);
  const containers = [
    ...desired.infra.map((entry) => entry.container),
    ...desired.replicas.flatMap((replica) => replica.containers),
  ];
  const builder = new PlanBuilder();
  for (const image of [...new Set(containers.map((container) => container.image))].toSorted()) {
    if (flags.pull !== 'always' && observed.images.has(image)) continue;
    builder.add(
      { kind: 'pullImage', image, logins: desired.pullLogins.get(image) ?? [], isHere: false },
      image,
      flags.pull === 'always' ? '--pull always' : 'not on this machine',
      [],
    );
  }
  const plan = builder.build(
    project,
    desired.notices.filter(({ code }) => ABOUT_PULLS.includes(code)),
  );
  for (const notice of plan.notices) say(io, formatDiagnostic(notice));
  await showPlanRun(
    { plan, containers: [], runtime, io, doneText: 'images pulled', idleText: 'every image is here' },
    flags.progress,
  );
}
