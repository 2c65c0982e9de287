import { type Command, Option } from 'commander';
import { connectProject, observeContainersOf } from './connect-project.ts';
import { type Io, print, printJson, say, terminalColumns } from './io.ts';
import { readRows } from './replica-rows.ts';
import { restarter } from './restarter.ts';

interface PsFlags {
  readonly project?: string;
  readonly format: string;
  readonly quiet?: boolean;
}

/** `dynamo ps`: the replicas of a project and how they are. */
export function registerPs(program: Command, io: Io): void {
  program
    .command('ps')
    .description('list the replicas of a project')
    .option('-p, --project <name>', 'project name')
    .addOption(new Option('--format <format>').choices(['table', 'json']).default('table'))
    .option('-q, --quiet', 'container names only')
    .action((flags: PsFlags) => showReplicas(flags, io));
}

function formatAge(startedAt: string | null, now: number): string {
  if (startedAt === null) return '';
  const seconds = Math.max(0, Math.round((now - Date.parse(startedAt)) / 1000));
  if (seconds < 120) return `${seconds}s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)}m` : `${Math.round(seconds / 3600)}h`;
}

async function showReplicas(flags: PsFlags, io: Io): Promise<void> {
  const { runtime, project } = await connectProject(flags.project, io);
  const containers = await observeContainersOf({ project, runtime }, io);
  if (flags.quiet) return print(io, containers.map((container) => `${container.name}\n`).join(''));
  const rows = await readRows(containers, runtime, io.interrupted);
  if (flags.format === 'json') return printJson(io, rows);
  const { formatTable } = await import('../ui/table.ts');
  const now = io.clock.now();
  print(
    io,
    formatTable(
      ['NAME', 'STAGE', 'AGE', 'RESTARTS', 'GPUS', 'REGISTERED', 'SERVED', 'IMAGE', 'URL'],
      rows.map((row) => [
        row.id,
        row.exitCode === null ? row.stage : `${row.stage} (${row.exitCode})`,
        row.status === 'running' ? formatAge(row.startedAt, now) : '',
        String(row.restarts),
        row.gpus.length === 0 ? '-' : String(row.gpus.length),
        row.instances === 0 ? '-' : `${row.registered ?? '?'}/${row.instances}`,
        String(row.served ?? '-'),
        row.image,
        row.url ?? row.address ?? '',
      ]),
      { columns: terminalColumns(io), lessImportant: ['IMAGE', 'AGE', 'RESTARTS'] },
    ),
  );
  if (rows.some((row) => row.status === 'running' && row.type !== 'infra' && row.liveness === 'not watched')) {
    say(io, `liveness is not watched: up has left, and ${restarter(runtime)} restarts what ends`);
  }
}
