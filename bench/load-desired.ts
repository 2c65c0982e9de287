import { connectDocker } from '../src/commands/connect.ts';
import type { Io } from '../src/commands/io.ts';
import { loadProject } from '../src/commands/load-project.ts';
import type { DesiredState } from '../src/model/desired-state.ts';

/** What `dynamo plan FILE -p PROJECT --port PORT` would create: the other contenders are made of the same images, commands and environment. */
export async function loadDesired(
  {
    file,
    project,
    port,
    home,
  }: { readonly file: string; readonly project: string; readonly port: number; readonly home: URL },
  signal: AbortSignal,
): Promise<DesiredState> {
  const io: Io = {
    env: process.env,
    cwd: process.cwd(),
    home,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    clock: { now: () => Date.now(), sleep: () => Promise.reject(new Error('loading a project waits for nothing')) },
    interrupted: signal,
    killed: signal,
  };
  const flags = { project, port, bind: '127.0.0.1', runtimeVersion: [], image: [], scale: [], envFile: [] };
  const { desired } = await loadProject({ file, scriptArgs: [] }, flags, io, await connectDocker(io));
  const odd = desired.replicas.find(({ containers }) =>
    containers.some(({ files, role }) => files.length > 0 || role !== 'main'),
  );
  if (desired.volumes.length > 0 || odd)
    throw new Error(`${file}: the bench knows replicas of one container without volumes`);
  return desired;
}
