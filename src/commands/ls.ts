import { type Command, Option } from 'commander';
import type { ObservedContainer } from '../model/observed-state.ts';
import { connectAll } from './connect-project.ts';
import { type Io, print, printJson, terminalColumns } from './io.ts';

interface LsFlags {
  readonly format?: string;
  readonly quiet?: boolean;
}

interface ProjectRow {
  readonly project: string;
  readonly graph: string;
  readonly status: string;
  readonly source: string;
  readonly gpus: number;
}

/** `dynamo ls`: every project on this machine. */
export function registerLs(program: Command, io: Io): void {
  program
    .command('ls')
    .description('list the projects on this machine')
    .addOption(new Option('--format <format>').choices(['table', 'json']).default('table'))
    .option('-q, --quiet', 'names only')
    .action((flags: LsFlags) => listProjects(flags, io));
}

/** One row per project; `running(3), exited(1)` as docker compose writes it. */
function projectRows(containers: readonly ObservedContainer[]): readonly ProjectRow[] {
  const byProject = new Map<string, ObservedContainer[]>();
  for (const container of containers) {
    byProject.set(container.project, [...(byProject.get(container.project) ?? []), container]);
  }
  return [...byProject]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([project, members]) => {
      const counts = new Map<string, number>();
      for (const { status } of members) counts.set(status, (counts.get(status) ?? 0) + 1);
      const gpus = new Set(members.filter(({ status }) => status === 'running').flatMap((member) => member.gpus));
      return {
        project,
        graph: members[0]?.graph ?? '',
        status: [...counts]
          .toSorted(([a], [b]) => (a < b ? 1 : -1))
          .map(([status, count]) => `${status}(${count})`)
          .join(', '),
        source: members[0]?.source ?? '',
        gpus: gpus.size,
      };
    });
}

async function listProjects(flags: LsFlags, io: Io): Promise<void> {
  const runtimes = await connectAll(io);
  const found = await Promise.all(runtimes.map((runtime) => runtime.observeAll(io.interrupted)));
  const rows = projectRows(found.flat());
  if (flags.format === 'json') return printJson(io, rows);
  if (flags.quiet) return print(io, rows.map((row) => `${row.project}\n`).join(''));
  const { formatTable } = await import('../ui/table.ts');
  print(
    io,
    formatTable(
      ['PROJECT', 'GRAPH', 'STATUS', 'GPUS', 'SOURCE'],
      rows.map(({ project, graph, status, gpus, source }) => [project, graph, status, String(gpus), source]),
      { columns: terminalColumns(io), lessImportant: ['GRAPH', 'SOURCE'] },
    ),
  );
}
