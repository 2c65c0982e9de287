import { spawn } from 'node:child_process';

export interface RunOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Runs a program to its end and returns what it wrote to stdout; its last words are in the error when it fails. */
export function runCommand(
  [program = '', ...args]: readonly string[],
  { cwd, env = process.env }: RunOptions,
  signal: AbortSignal,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, signal, killSignal: 'SIGTERM', stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let words = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      words = `${words}${text}`.slice(-2000);
    });
    child.on('error', reject);
    child.on('close', (code, killedBy) => {
      if (code === 0) resolve(out);
      else reject(new Error(`${[program, ...args].join(' ')} ended with ${code ?? killedBy}\n${words.trim()}`));
    });
  });
}
