import { setTimeout as delay } from 'node:timers/promises';
import packageJson from '../package.json' with { type: 'json' };
import type { Io } from './commands/io.ts';
import { EXIT, UserError } from './model/diagnostic.ts';

/** The first SIGINT or SIGTERM interrupts, the second kills. */
function watchSignals(): Pick<Io, 'interrupted' | 'killed'> {
  const interrupted = new AbortController();
  const killed = new AbortController();
  const onSignal = () => {
    if (interrupted.signal.aborted) killed.abort();
    else interrupted.abort(new UserError('INTERRUPTED', 'interrupted', { exitCode: EXIT.interrupted }));
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return { interrupted: interrupted.signal, killed: killed.signal };
}

function realIo(): Io {
  return {
    env: process.env,
    cwd: process.cwd(),
    // One folder up from src/cli.ts and from dist/cli.js alike.
    home: new URL('../', import.meta.url),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    clock: {
      now: () => Date.now(),
      sleep: async (ms, signal) => {
        try {
          await delay(ms, undefined, { signal });
        } catch {
          throw signal.reason;
        }
      },
    },
    ...watchSignals(),
  };
}

async function main(): Promise<void> {
  const [verb, ...rest] = process.argv.slice(2);
  // Nothing is loaded for the one question that scripts ask most.
  if ((verb === '--version' || verb === '-V' || verb === 'version') && rest.length === 0) {
    process.stdout.write(`dynamo ${packageJson.version}\n`);
    return;
  }
  // A reader that has seen enough (`| head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) =>
    process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.bug),
  );
  const { runProgram } = await import('./commands/program.ts');
  const io = realIo();
  process.exitCode = await runProgram(process.argv, packageJson.version, io);
  // Sockets that were kept open for reuse must not keep the process.
  process.stdout.write('', () => process.stderr.write('', () => process.exit()));
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(EXIT.bug);
});
