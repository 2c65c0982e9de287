import { type Command, Option } from 'commander';
import { replicaId } from '../model/names.ts';
import { connectProject } from './connect-project.ts';
import { type Io, print } from './io.ts';

interface EventsFlags {
  readonly project?: string;
  readonly format: string;
}

/** `dynamo events`: what happens to a project's containers, as it happens, until interrupted. */
export function registerEvents(program: Command, io: Io): void {
  program
    .command('events')
    .description('show what happens to the containers of a project')
    .option('-p, --project <name>', 'project name')
    .addOption(new Option('--format <format>').choices(['text', 'json']).default('text'))
    .action((flags: EventsFlags) => showEvents(flags, io));
}

async function showEvents(flags: EventsFlags, io: Io): Promise<void> {
  const { runtime, project } = await connectProject(flags.project, io);
  for await (const event of runtime.events(project, io.interrupted).stream) {
    const time = new Date(event.time).toISOString();
    if (flags.format === 'json') print(io, JSON.stringify({ ...event, time }));
    else
      print(
        io,
        `${time} ${replicaId(event.component, event.replica)} ${event.action}${event.exitCode === undefined ? '' : ` (exit code ${event.exitCode})`}`,
      );
  }
}
