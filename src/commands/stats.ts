import { type Command, Option } from 'commander';
import { formatBytes } from '../model/quantity.ts';
import { connectProject, observeContainersOf } from './connect-project.ts';
import { type Io, print, printJson } from './io.ts';
import { nameOf } from './run-plan.ts';

interface StatsFlags {
  readonly project?: string;
  readonly format: string;
}

/** `dynamo stats`: what the running replicas use now. */
export function registerStats(program: Command, io: Io): void {
  program
    .command('stats')
    .description('show the CPU and memory use of a project')
    .option('-p, --project <name>', 'project name')
    .addOption(new Option('--format <format>').choices(['table', 'json']).default('table'))
    .action((flags: StatsFlags) => showStats(flags, io));
}

async function showStats(flags: StatsFlags, io: Io): Promise<void> {
  const { runtime, project } = await connectProject(flags.project, io);
  const containers = await observeContainersOf({ project, runtime }, io);
  const running = containers.filter((container) => container.status === 'running' && container.role !== 'sandbox');
  const stats = await runtime.stats(
    running.map((container) => container.name),
    io.interrupted,
  );
  const rows = stats.map((entry, index) => ({ id: running[index] ? nameOf(running[index]) : entry.name, ...entry }));
  if (flags.format === 'json') return printJson(io, rows);
  const { formatTable } = await import('../ui/table.ts');
  print(
    io,
    formatTable(
      ['NAME', 'CPUS', 'MEMORY'],
      rows.map((row) => [row.id, row.cpus.toFixed(2), formatBytes(row.memoryBytes)]),
    ),
  );
}
