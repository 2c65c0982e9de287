import { Command, CommanderError } from 'commander';
import { EXIT, formatDiagnostic, UserError } from '../model/diagnostic.ts';
import { type Io, say } from './io.ts';

type Register = (program: Command, io: Io, setExitCode: (code: number) => void) => Promise<void>;

/** The verbs in the order of `--help`. Each is loaded when it is called: a short command is mostly the loading of modules. */
const VERBS: Readonly<Record<string, Register>> = {
  up: async (program, io) => (await import('./up.ts')).registerUp(program, io),
  plan: async (program, io) => (await import('./plan.ts')).registerPlan(program, io),
  convert: async (program, io) => (await import('./convert.ts')).registerConvert(program, io),
  validate: async (program, io, setExitCode) =>
    (await import('./validate.ts')).registerValidate(program, io, setExitCode),
  render: async (program, io) => (await import('./render.ts')).registerRender(program, io),
  explain: async (program, io) => (await import('./explain.ts')).registerExplain(program, io),
  ps: async (program, io) => (await import('./ps.ts')).registerPs(program, io),
  logs: async (program, io) => (await import('./logs.ts')).registerLogs(program, io),
  exec: async (program, io, setExitCode) => (await import('./exec.ts')).registerExec(program, io, setExitCode),
  restart: async (program, io) => (await import('./restart.ts')).registerRestart(program, io),
  down: async (program, io) => (await import('./down.ts')).registerDown(program, io),
  ls: async (program, io) => (await import('./ls.ts')).registerLs(program, io),
  events: async (program, io) => (await import('./events.ts')).registerEvents(program, io),
  stats: async (program, io) => (await import('./stats.ts')).registerStats(program, io),
  timeline: async (program, io) => (await import('./timeline.ts')).registerTimeline(program, io),
  smoke: async (program, io, setExitCode) => (await import('./smoke.ts')).registerSmoke(program, io, setExitCode),
  pull: async (program, io) => (await import('./pull.ts')).registerPull(program, io),
  gpus: async (program, io) => (await import('./gpus.ts')).registerGpus(program, io),
  doctor: async (program, io, setExitCode) => (await import('./doctor.ts')).registerDoctor(program, io, setExitCode),
  init: async (program, io) => (await import('./init.ts')).registerInit(program, io),
  export: async (program, io) => (await import('./export.ts')).registerExport(program, io),
  diff: async (program, io) => (await import('./diff.ts')).registerDiff(program, io),
  push: async (program, io) => (await import('./push.ts')).registerPush(program, io),
  completion: async (program, io) => {
    program
      .command('completion')
      .description('print a completion script for bash, zsh or fish')
      .argument('<shell>')
      .action(async (shell: string) => {
        const { printCompletion } = await import('./completion.ts');
        printCompletion(shell, program, io);
      });
  },
};

/** What needs all verbs: help, completion, and a word that is none of them. */
function verbsFor(word: string | undefined): readonly string[] {
  return word !== undefined && word !== 'completion' && Object.hasOwn(VERBS, word) ? [word] : Object.keys(VERBS);
}

async function makeProgram(
  word: string | undefined,
  version: string,
  io: Io,
  setExitCode: (code: number) => void,
): Promise<Command> {
  const program = new Command('dynamo')
    .description('Runs NVIDIA Dynamo inference graphs on one workstation.')
    .version(`dynamo ${version}`, '-V, --version', 'show the version')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
    .showHelpAfterError('(dynamo --help lists the commands)');
  for (const verb of verbsFor(word)) await VERBS[verb]?.(program, io, setExitCode);
  for (const command of program.commands) command.exitOverride();
  return program;
}

async function sayError(error: UserError, io: Io): Promise<void> {
  if (error.card) {
    const { formatCard } = await import('../ui/format-card.ts');
    say(io, formatCard(error.card, io.stderr.columns));
    if (error.details) say(io, `\n${error.details}\n`);
    return;
  }
  for (const diagnostic of error.diagnostics) say(io, formatDiagnostic(diagnostic));
  // Warnings beside it are not what it ends with.
  if (error.diagnostics.every(({ severity }) => severity !== 'error')) say(io, `error ${error.code}: ${error.message}`);
  if (error.details) say(io, `\n${error.details}\n`);
  if (error.hint) say(io, `hint: ${error.hint}`);
}

/** Runs one command line and returns its exit code (DESIGN "The command line"); a stack is shown for bugs alone. */
export async function runProgram(argv: readonly string[], version: string, io: Io): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = await makeProgram(argv[2], version, io, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...argv]);
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (error instanceof UserError) {
      if (error.code !== 'INTERRUPTED') await sayError(error, io);
      return error.exitCode;
    }
    if (io.interrupted.aborted) return EXIT.interrupted;
    say(io, error instanceof Error ? (error.stack ?? error.message) : String(error));
    say(io, 'this is a bug in dynamo');
    return EXIT.bug;
  }
}
