import type { Command } from 'commander';
import { connectGraph } from './connect.ts';
import { parseCount, parseDuration } from './duration.ts';
import { addGraphFlags } from './graph-flags.ts';
import type { Io } from './io.ts';
import { showPlan } from './plan.ts';
import { SCRIPT_ARGUMENTS, scriptArguments } from './script-flags.ts';
import type { UpFlags } from './up-flags.ts';

/** `dynamo up`: brings a graph up and, unless detached, stays with it. */
export function registerUp(program: Command, io: Io): void {
  addGraphFlags(
    program
      .command('up')
      .description('bring a graph up on this machine')
      .argument('<file>', 'YAML file, launch script, or - for YAML on stdin')
      .argument('[args...]', SCRIPT_ARGUMENTS),
  )
    .option('-d, --detach', 'return when it is ready')
    .option('--wait-timeout <duration>', 'give up when it is not ready by then', (text) =>
      parseDuration(text, '--wait-timeout'),
    )
    .option('--force-recreate', 'recreate containers that have not changed')
    .option('--keep-on-failure', 'leave running what was started when something fails')
    .option(
      '--restarts <n>',
      'restarts allowed before a replica is ready for the first time',
      (text) => parseCount(text, '--restarts'),
      0,
    )
    .option('--smoke', 'when it is ready, ask what its users will ask; exit 6 when an answer is wrong')
    .option('--dry-run', 'show the plan and change nothing')
    .option('--no-logs', 'do not show the containers’ logs')
    .option('--progress <mode>', 'auto, tty, plain, json or quiet')
    .action(async (file: string, args: readonly string[], flags: UpFlags, command: Command) => {
      const input = { file, scriptArgs: scriptArguments(args, command) };
      if (flags.dryRun) return showPlan(input, { ...flags, format: 'text' }, io);
      const { bringUp } = await import('./bring-up.ts');
      return bringUp({ input, flags, io, runtime: await connectGraph(flags, io) });
    });
}
