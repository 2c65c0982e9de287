import type { Command } from 'commander';
import { EXIT, UserError } from '../model/diagnostic.ts';
import { connectProject, observeContainersOf } from './connect-project.ts';
import type { Io } from './io.ts';
import { selectContainers } from './logs.ts';

interface ExecFlags {
  readonly project?: string;
  readonly user?: string;
  readonly workdir?: string;
  readonly env?: string[];
  /** `-T` */
  readonly tty: boolean;
}

/** `dynamo exec`: a command inside a replica; its exit code becomes ours. */
export function registerExec(program: Command, io: Io, setExitCode: (code: number) => void): void {
  program
    .command('exec')
    .description('run a command in a replica')
    .argument('<component>', 'component or replica (decode, decode-1)')
    .argument('<command...>', 'the command')
    .option('-p, --project <name>', 'project name')
    .option('-u, --user <user>', 'user to run it as')
    .option('-w, --workdir <directory>', 'directory to run it in')
    .option('-e, --env <name=value...>', 'variables for it')
    .option('-T, --no-tty', 'without a terminal')
    .passThroughOptions()
    .action(async (component: string, command: string[], flags: ExecFlags) => {
      // `exec decode -- ls` and `exec decode ls` are the same.
      setExitCode(await execIn(component, command[0] === '--' ? command.slice(1) : command, flags, io));
    });
}

async function execIn(component: string, command: readonly string[], flags: ExecFlags, io: Io): Promise<number> {
  const { runtime, project } = await connectProject(flags.project, io);
  const containers = await observeContainersOf({ project, runtime }, io, true);
  const chosen = selectContainers(containers, [component]).filter(
    (container) => container.role === 'main' || container.role === 'infra',
  );
  const target = chosen.find((container) => container.status === 'running');
  if (!target) {
    throw new UserError('NOT_RUNNING', `no replica of ${component} runs`, {
      exitCode: EXIT.startFailed,
      hint: `dynamo logs ${component} may say why`,
    });
  }
  const { stdin } = io;
  const tty = flags.tty && (stdin.isTTY ?? false) && (io.stdout.isTTY ?? false);
  if (tty && 'setRawMode' in stdin && typeof stdin.setRawMode === 'function') stdin.setRawMode(true);
  try {
    return await runtime.attachExec(
      target.name,
      {
        command,
        tty,
        stdin,
        stdout: io.stdout,
        stderr: io.stderr,
        ...(flags.user ? { user: flags.user } : {}),
        ...(flags.workdir ? { workingDir: flags.workdir } : {}),
        ...(flags.env ? { env: flags.env } : {}),
      },
      tty ? io.killed : io.interrupted,
    );
  } finally {
    if (tty && 'setRawMode' in stdin && typeof stdin.setRawMode === 'function') stdin.setRawMode(false);
  }
}
