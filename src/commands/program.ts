import { Command, CommanderError } from 'commander';
import { EXIT, formatDiagnostic, UserError } from '../model/diagnostic.ts';
import { registerConvert } from './convert.ts';
import { registerDiff } from './diff.ts';
import { registerDoctor } from './doctor.ts';
import { registerDown } from './down.ts';
import { registerEvents } from './events.ts';
import { registerExec } from './exec.ts';
import { registerExplain } from './explain.ts';
import { registerExport } from './export.ts';
import { registerGpus } from './gpus.ts';
import { registerInit } from './init.ts';
import { type Io, say } from './io.ts';
import { registerLogs } from './logs.ts';
import { registerLs } from './ls.ts';
import { registerPlan } from './plan.ts';
import { registerPs } from './ps.ts';
import { registerPull } from './pull.ts';
import { registerPush } from './push.ts';
import { registerRender } from './render.ts';
import { registerRestart } from './restart.ts';
import { registerSmoke } from './smoke.ts';
import { registerStats } from './stats.ts';
import { registerTimeline } from './timeline.ts';
import { registerUp } from './up.ts';
import { registerValidate } from './validate.ts';

function makeProgram(version: string, io: Io, setExitCode: (code: number) => void): Command {
  const program = new Command('dynamo')
    .description('Runs NVIDIA Dynamo inference graphs on one workstation.')
    .version(`dynamo ${version}`, '-V, --version', 'show the version')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
    .showHelpAfterError('(dynamo --help lists the commands)');
  registerUp(program, io);
  registerPlan(program, io);
  registerConvert(program, io);
  registerValidate(program, io, setExitCode);
  registerRender(program, io);
  registerExplain(program, io);
  registerPs(program, io);
  registerLogs(program, io);
  registerExec(program, io, setExitCode);
  registerRestart(program, io);
  registerDown(program, io);
  registerLs(program, io);
  registerEvents(program, io);
  registerStats(program, io);
  registerTimeline(program, io);
  registerSmoke(program, io, setExitCode);
  registerPull(program, io);
  registerGpus(program, io);
  registerDoctor(program, io, setExitCode);
  registerInit(program, io);
  registerExport(program, io);
  registerDiff(program, io);
  registerPush(program, io);
  program
    .command('completion')
    .description('print a completion script for bash, zsh or fish')
    .argument('<shell>')
    .action(async (shell: string) => {
      const { printCompletion } = await import('./completion.ts');
      printCompletion(shell, program, io);
    });
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
  const program = makeProgram(version, io, (code) => {
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
