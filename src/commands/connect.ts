import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../model/diagnostic.ts';
import type { Reach } from '../model/host-inventory.ts';
import type { Runtime } from '../model/runtime.ts';
import type { GraphFlags } from './graph-flags.ts';
import type { Io } from './io.ts';
import { processRoot, runtimeKind } from './runtime-kind.ts';

/** How containers are reached, when DYNAMO_REACH forces it; else the engine's own answer. */
function forcedReach(io: Io): Reach | undefined {
  const forced = io.env.DYNAMO_REACH;
  if (forced === undefined || forced === '') return undefined;
  if (forced === 'direct' || forced === 'published') return forced;
  throw new UserError('INVALID_FLAG', `DYNAMO_REACH is "${forced}"`, {
    hint: 'set it to direct or published, or unset it',
  });
}

/** Containers of the Docker Engine. The module is loaded here and not at start: `--help` must not pay for it. */
export async function connectDocker(io: Io): Promise<Runtime> {
  const { createDockerRuntime } = await import('../runtime/docker/docker-runtime.ts');
  const reach = forcedReach(io);
  return createDockerRuntime({ env: io.env, ...(reach ? { reach } : {}) });
}

/** Processes of this machine; `base` is what new ones have from the user's environment. */
export async function connectProcesses(io: Io, base: Readonly<Record<string, string>> = {}): Promise<Runtime> {
  const { createProcessRuntime } = await import('../runtime/process/process-runtime.ts');
  return createProcessRuntime({
    root: processRoot(io),
    keeper: fileURLToPath(new URL('dist/keeper.cjs', io.home)),
    base,
  });
}

/** What processes have of the user's environment besides what the file, `--env-file` and `--env-pass` give them. */
const BASE = ['HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'LD_LIBRARY_PATH', 'PYTHONPATH'];

/** The runtime that a graph is brought up on: `--runtime`, with the interpreter of `--python` first on the PATH of processes. */
export async function connectGraph(flags: Pick<GraphFlags, 'runtime' | 'python'>, io: Io): Promise<Runtime> {
  if (runtimeKind(flags.runtime, io) === 'docker') return connectDocker(io);
  const { findPython } = await import('../host/read-python.ts');
  const python = await findPython(flags.python, io.env, io.cwd);
  const kept = BASE.flatMap((name): [string, string][] => {
    const value = io.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  return connectProcesses(io, { ...Object.fromEntries(kept), PATH: `${dirname(python)}:${io.env.PATH ?? ''}` });
}
