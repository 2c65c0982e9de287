import type { Command } from 'commander';
import { networkOf, readReadiness } from '../engine/read-readiness.ts';
import type { ObservedContainer } from '../model/observed-state.ts';
import type { Runtime } from '../model/runtime.ts';
import { chooseProject } from './choose-project.ts';
import { connect } from './connect.ts';
import { type Io, print, printJson, say } from './io.ts';
import { nameOf } from './run-plan.ts';

interface PsFlags {
  readonly project?: string;
  readonly format: string;
  readonly quiet?: boolean;
}

/** One replica as `ps` shows it; the JSON form is stable. */
export interface ReplicaRow {
  readonly project: string;
  readonly graph: string;
  readonly component: string;
  readonly type: string;
  readonly replica: number;
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly runtimeVersion: string;
  readonly stage: string;
  readonly status: string;
  readonly exitCode: number | null;
  readonly startedAt: string | null;
  readonly restarts: number;
  readonly gpus: readonly string[];
  readonly address: string | null;
  readonly url: string | null;
  readonly liveness: 'watched' | 'not watched';
}

/** `dynamo ps`: the replicas of a project and how they are. */
export function registerPs(program: Command, io: Io): void {
  program
    .command('ps')
    .description('list the replicas of a project')
    .option('-p, --project <name>', 'project name')
    .option('--format <format>', 'table or json', 'table')
    .option('-q, --quiet', 'container names only')
    .action((flags: PsFlags) => showReplicas(flags, io));
}

/** `ready` when its readiness probe passes now; replicas without one are ready while they run. */
async function readStage(
  container: ObservedContainer,
  all: readonly ObservedContainer[],
  runtime: Runtime,
  signal: AbortSignal,
): Promise<string> {
  if (container.status !== 'running')
    return container.status === 'exited' && container.exitCode !== 0 ? 'failed' : container.status;
  if (container.role === 'infra') return 'running';
  return (await readReadiness(container, all, runtime, signal)) ? 'ready' : 'started';
}

/** The rows of a project's main containers; each readiness probe is asked once, all at the same time. */
async function readRows(
  containers: readonly ObservedContainer[],
  runtime: Runtime,
  signal: AbortSignal,
): Promise<readonly ReplicaRow[]> {
  const shown = containers.filter((container) => container.role === 'main' || container.role === 'infra');
  return Promise.all(
    shown.map(async (container) => {
      const network = networkOf(container, containers);
      const port = network.published.find((published) => published.containerPort === container.facts.frontendPort);
      const host = port?.hostAddress === '0.0.0.0' ? '127.0.0.1' : port?.hostAddress;
      return {
        project: container.project,
        graph: container.graph,
        component: container.component,
        type: container.type,
        replica: container.replica,
        id: nameOf(container),
        name: container.name,
        image: container.image,
        runtimeVersion: container.facts.runtimeVersion,
        stage: await readStage(container, containers, runtime, signal),
        status: container.status,
        exitCode: container.exitCode ?? null,
        startedAt: container.startedAt === undefined ? null : new Date(container.startedAt).toISOString(),
        restarts: container.restartCount,
        gpus: container.gpus,
        address: network.address ?? null,
        url: port ? `http://${host}:${port.hostPort}` : null,
        liveness: container.restartPolicy === 'no' ? ('watched' as const) : ('not watched' as const),
      };
    }),
  );
}

function formatAge(startedAt: string | null, now: number): string {
  if (startedAt === null) return '';
  const seconds = Math.max(0, Math.round((now - Date.parse(startedAt)) / 1000));
  if (seconds < 120) return `${seconds}s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)}m` : `${Math.round(seconds / 3600)}h`;
}

async function showReplicas(flags: PsFlags, io: Io): Promise<void> {
  const runtime = await connect(io);
  const project = await chooseProject(flags.project, io.env, runtime, io.interrupted);
  const { containers } = await runtime.observe(project, [], io.interrupted);
  if (flags.quiet) return print(io, containers.map((container) => `${container.name}\n`).join(''));
  const rows = await readRows(containers, runtime, io.interrupted);
  if (flags.format === 'json') return printJson(io, rows);
  const { formatTable } = await import('../ui/table.ts');
  const now = io.clock.now();
  print(
    io,
    formatTable(
      ['NAME', 'STAGE', 'AGE', 'RESTARTS', 'GPUS', 'IMAGE', 'URL'],
      rows.map((row) => [
        row.id,
        row.exitCode === null ? row.stage : `${row.stage} (${row.exitCode})`,
        row.status === 'running' ? formatAge(row.startedAt, now) : '',
        String(row.restarts),
        row.gpus.length === 0 ? '-' : String(row.gpus.length),
        row.image,
        row.url ?? row.address ?? '',
      ]),
    ),
  );
  if (rows.some((row) => row.status === 'running' && row.type !== 'infra' && row.liveness === 'not watched')) {
    say(io, 'liveness is not watched: up has left, and Docker restarts what ends');
  }
}
