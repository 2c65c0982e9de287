import type { Command } from 'commander';
import { connect } from './connect.ts';
import { parseCount, parseDuration } from './duration.ts';
import { addGraphFlags } from './graph-flags.ts';
import type { Io } from './io.ts';
import { showPlan } from './plan.ts';
import type { UpFlags } from './up-flags.ts';

/** `dynamo up`: brings a graph up and, unless detached, stays with it. */
export function registerUp(program: Command, io: Io): void {
  addGraphFlags(
    program
      .command('up')
      .description('bring a graph up on this machine')
      .argument('<file>', 'YAML file, or - for stdin'),
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
    .option('--dry-run', 'show the plan and change nothing')
    .option('--no-logs', 'do not show the containers’ logs')
    .option('--progress <mode>', 'auto, tty, plain, json or quiet')
    .action(async (file: string, flags: UpFlags) => {
      if (flags.dryRun) return showPlan(file, { ...flags, format: 'text' }, io);
      const { bringUp } = await import('./bring-up.ts');
      return bringUp({ file, flags, io, runtime: await connect(io) });
    });
}
