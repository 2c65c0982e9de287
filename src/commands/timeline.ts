import { type Command, Option } from 'commander';
import { EXIT, UserError } from '../model/diagnostic.ts';
import { checkProjectName } from './check-project-name.ts';
import { connectProject } from './connect-project.ts';
import { type Io, print, printJson } from './io.ts';

interface TimelineFlags {
  readonly project?: string;
  readonly format: 'text' | 'json' | 'trace';
}

/** Columns of a terminal that does not say how many it has. */
const COLUMNS = 80;

/** `dynamo timeline`: where the time of the last start-up went. */
export function registerTimeline(program: Command, io: Io): void {
  program
    .command('timeline')
    .description('show where the time of the last start-up went')
    .option('-p, --project <name>', 'project name')
    .addOption(
      new Option('--format <format>', 'trace: for chrome://tracing and Perfetto')
        .choices(['text', 'json', 'trace'])
        .default('text'),
    )
    .action((flags: TimelineFlags) => showTimeline(flags, io));
}

async function showTimeline(flags: TimelineFlags, io: Io): Promise<void> {
  // What was kept needs no engine; without a name the running project is meant.
  const given = flags.project ?? io.env.DYNAMO_PROJECT;
  const project = given ? checkProjectName(given) : await onlyProject(io);
  const { readTimelines } = await import('../host/timeline-file.ts');
  const [last, previous] = await readTimelines(project, io.env);
  if (last === undefined) {
    throw new UserError('NO_TIMELINE', `no start-up of project ${project} is on record`, {
      exitCode: EXIT.usage,
      hint: 'dynamo up keeps one as soon as the graph is ready',
    });
  }
  const { formatTimeline, toTrace } = await import('../timeline/format-timeline.ts');
  if (flags.format === 'json') return printJson(io, { ...last, previous: previous ?? null });
  if (flags.format === 'trace') return printJson(io, toTrace(last));
  print(io, formatTimeline(last, previous, io.stdout.columns ?? COLUMNS));
}

async function onlyProject(io: Io): Promise<string> {
  return (await connectProject(undefined, io)).project;
}
