import { execFile } from 'node:child_process';
import { isAbsolute, resolve } from 'node:path';
import { promisify } from 'node:util';
import { EXIT, UserError } from '../model/diagnostic.ts';
import { findProgram } from './find-programs.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** An interpreter that has Dynamo. */
export interface DynamoPython {
  /** Absolute. */
  readonly path: string;
  /** Of the package ai-dynamo. */
  readonly dynamoVersion: string;
}

const INSTALL =
  'python3 -m venv ~/dynamo && ~/dynamo/bin/pip install ai-dynamo makes one; then --python ~/dynamo/bin/python, or activate it';
/** The package is found by its metadata: to import it takes a second. */
const QUESTION = [
  'import importlib.metadata as m, importlib.util as u, sys',
  'found = u.find_spec("dynamo") is not None and u.find_spec("dynamo.frontend") is not None',
  'names = [n for n in ("ai-dynamo", "ai-dynamo-runtime") if any(True for _ in m.distributions(name=n))]',
  'print(m.version(names[0]) if found and names else "")',
].join('\n');
const ANSWERS_WITHIN_MS = 20_000;

/** `--python`, else that of the active virtual environment, else python3. PYTHON_MISSING (exit 3) where there is none. */
export async function findPython(flag: string | undefined, env: Environment, cwd: string): Promise<string> {
  if (flag !== undefined) {
    if (flag.includes('/')) return isAbsolute(flag) ? flag : resolve(cwd, flag);
    const found = await findProgram(flag, env);
    if (found !== undefined) return found;
    throw new UserError('PYTHON_MISSING', `--python: there is no program ${flag} on PATH`, {
      exitCode: EXIT.preflight,
    });
  }
  if (env.VIRTUAL_ENV) return `${env.VIRTUAL_ENV}/bin/python`;
  const found = await findProgram('python3', env);
  if (found !== undefined) return found;
  throw new UserError('PYTHON_MISSING', 'processes of a graph need Python, and there is no python3 on PATH', {
    exitCode: EXIT.preflight,
    hint: 'install Python 3.11 or newer with venv, then: python3 -m venv ~/dynamo && ~/dynamo/bin/pip install ai-dynamo',
  });
}

/** Asks an interpreter once for its Dynamo. PYTHON_NO_DYNAMO (exit 3) says how to get one. */
export async function readPython(path: string, env: Environment, signal: AbortSignal): Promise<DynamoPython> {
  let said: string;
  try {
    const { stdout } = await promisify(execFile)(path, ['-c', QUESTION], {
      env: { ...env },
      timeout: ANSWERS_WITHIN_MS,
      signal,
    });
    said = stdout.trim();
  } catch (cause) {
    signal.throwIfAborted();
    const words = cause instanceof Error ? (cause.message.trim().split('\n').at(-1) ?? '') : String(cause);
    throw new UserError('PYTHON_FAILED', `${path} does not run: ${words}`, {
      exitCode: EXIT.preflight,
      hint: `--python PATH names another interpreter; ${INSTALL}`,
      cause,
    });
  }
  const version = /^\d+\.\d+\.\d+/.exec(said)?.[0];
  if (version !== undefined) return { path, dynamoVersion: version };
  throw new UserError('PYTHON_NO_DYNAMO', `${path} has no Dynamo: the module dynamo.frontend cannot be imported`, {
    exitCode: EXIT.preflight,
    hint: INSTALL,
  });
}
