import type { Command } from 'commander';
import { UserError } from '../model/diagnostic.ts';
import type { ObservedContainer } from '../model/observed-state.ts';
import { connectProject, observeContainersOf } from './connect-project.ts';
import { parseCount, parseSince } from './duration.ts';
import type { Io } from './io.ts';
import { nameOf } from './run-plan.ts';

interface LogsFlags {
  readonly project?: string;
  readonly follow?: boolean;
  readonly tail?: number;
  readonly since?: string;
  readonly timestamps?: boolean;
}

/** `dynamo logs`: what the containers said, also after they ended. */
export function registerLogs(program: Command, io: Io): void {
  program
    .command('logs')
    .description('show the logs of a project')
    .argument('[components...]', 'components or replicas (decode, decode-1, etcd)')
    .option('-p, --project <name>', 'project name')
    .option('-f, --follow', 'go on with new lines')
    .option('-n, --tail <n>', 'last lines of each container only', (text) => parseCount(text, '--tail'))
    .option('--since <time>', 'lines since a time or for a duration (2026-01-31T12:00:00Z, 10m)')
    .option('-t, --timestamps', 'show when each line came')
    .action((components: string[], flags: LogsFlags) => showLogs(components, flags, io));
}

/** Containers that one of the names means: a component, a replica (`decode-1`), or a container. */
export function selectContainers(
  containers: readonly ObservedContainer[],
  names: readonly string[],
): readonly ObservedContainer[] {
  for (const name of names) {
    if (containers.some((container) => isNamed(container, name))) continue;
    const known = [...new Set(containers.map((container) => container.component))];
    throw new UserError('COMPONENT_UNKNOWN', `the project has no component "${name}"`, {
      hint: `it has ${known.join(', ')}`,
    });
  }
  return names.length === 0
    ? containers
    : containers.filter((container) => names.some((name) => isNamed(container, name)));
}

function isNamed(container: ObservedContainer, name: string): boolean {
  return [container.component.toLowerCase(), nameOf(container), container.name].includes(name.toLowerCase());
}

async function showLogs(components: readonly string[], flags: LogsFlags, io: Io): Promise<void> {
  const signal = io.interrupted;
  const { runtime, project } = await connectProject(flags.project, io);
  const containers = await observeContainersOf({ project, runtime }, io);
  const chosen = selectContainers(containers, components).filter((container) => container.role !== 'sandbox');
  const { createLogWriter } = await import('../ui/log-writer.ts');
  const write = createLogWriter(io.stdout, chosen.map(nameOf), { color: io.stdout.isTTY ?? false });
  const since = flags.since === undefined ? undefined : parseSince(flags.since, io.clock.now());
  const options = {
    follow: flags.follow ?? false,
    ...(flags.tail === undefined ? {} : { tail: flags.tail }),
    ...(since === undefined ? {} : { since }),
  };
  const show = async (
    container: ObservedContainer,
    line: { readonly at: number | undefined; readonly line: string },
  ) => {
    const stamp = flags.timestamps && line.at !== undefined ? `${new Date(line.at).toISOString()} ` : '';
    write(nameOf(container), `${stamp}${line.line}`);
  };
  if (options.follow) {
    await Promise.all(
      chosen.map(async (container) => {
        for await (const line of runtime.logs(container.name, options, signal)) await show(container, line);
      }),
    );
    return;
  }
  // What is past is put in the order in which it was said.
  const all = await Promise.all(
    chosen.map(async (container) => {
      const lines: { container: ObservedContainer; line: { at: number | undefined; line: string } }[] = [];
      for await (const line of runtime.logs(container.name, options, signal)) lines.push({ container, line });
      return lines;
    }),
  );
  for (const { container, line } of all.flat().toSorted((a, b) => (a.line.at ?? 0) - (b.line.at ?? 0)))
    await show(container, line);
}
