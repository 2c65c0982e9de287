import { type Command, Option } from 'commander';
import { formatNotices, formatPlan, planToJson } from '../plan/format-plan.ts';
import { reconcile } from '../plan/reconcile.ts';
import { connectGraph } from './connect.ts';
import { addGraphFlags, type GraphFlags } from './graph-flags.ts';
import { type Io, print, printJson, say } from './io.ts';
import { type LoadedProject, loadProject, type ProjectInput } from './load-project.ts';
import { SCRIPT_ARGUMENTS, scriptArguments } from './script-flags.ts';

interface PlanFlags extends GraphFlags {
  readonly format: string;
  readonly forceRecreate?: boolean;
  readonly detach?: boolean;
}

/** `dynamo plan`: what `up` would do, and why; changes nothing. */
export function registerPlan(program: Command, io: Io): void {
  addGraphFlags(
    program
      .command('plan')
      .description('show what up would do, and why')
      .argument('<file>', 'YAML file, launch script, or - for YAML on stdin')
      .argument('[args...]', SCRIPT_ARGUMENTS),
  )
    .addOption(new Option('--format <format>').choices(['text', 'json']).default('text'))
    .option('-d, --detach', 'plan for up --detach')
    .option('--force-recreate', 'recreate containers that have not changed')
    .action((file: string, args: readonly string[], flags: PlanFlags, command: Command) =>
      showPlan({ file, scriptArgs: scriptArguments(args, command) }, flags, io),
    );
}

/** The plan of an `up` with these flags. */
export function planUp(
  loaded: LoadedProject,
  flags: Pick<PlanFlags, 'forceRecreate' | 'detach' | 'pull'>,
): ReturnType<typeof reconcile> {
  return reconcile(loaded.desired, loaded.observed, {
    forceRecreate: flags.forceRecreate ?? false,
    detach: flags.detach ?? false,
    pullAlways: flags.pull === 'always',
    readyReplicas: loaded.readyReplicas,
    routableFrontend: loaded.routableFrontend,
  });
}

/** Prints the plan: data to stdout, notices to stderr. */
export async function showPlan(input: ProjectInput, flags: PlanFlags, io: Io): Promise<void> {
  const runtime = await connectGraph(flags, io);
  const loaded = await loadProject(input, flags, io, runtime, { looksOnly: true });
  if (loaded.shortage) {
    say(io, formatNotices(loaded.desired.notices));
    throw loaded.shortage;
  }
  const plan = planUp(loaded, flags);
  if (flags.format === 'json') return printJson(io, planToJson(plan));
  print(io, formatPlan(plan));
  say(io, formatNotices(plan.notices));
}
