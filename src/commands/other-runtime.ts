import { EXIT, UserError } from '../model/diagnostic.ts';
import type { GpuHold } from '../model/host-inventory.ts';
import { connectDocker, connectProcesses } from './connect.ts';
import type { Io } from './io.ts';
import { processRoot, type RuntimeKind } from './runtime-kind.ts';

/** What is without an engine has nothing in it. */
async function orElse<T>(asked: Promise<T>, nothing: T, io: Io): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    io.interrupted.throwIfAborted();
    if (error instanceof UserError) return nothing;
    throw error;
  }
}

async function dockerHas(project: string, io: Io): Promise<boolean> {
  const [{ findEngine }, { hasProject }] = await Promise.all([
    import('../runtime/docker/connect-engine.ts'),
    import('../runtime/docker/find-project.ts'),
  ]);
  return hasProject(await findEngine(io.env), project, io.interrupted);
}

async function listProcessProjects(io: Io): Promise<readonly string[]> {
  const { listProjects } = await import('../runtime/process/list-projects.ts');
  return listProjects(processRoot(io));
}

/** Throws PROJECT_ELSEWHERE (exit 3) when the other runtime has a project of this name: later commands could not tell the two. */
export async function refuseOtherProject(kind: RuntimeKind, project: string, io: Io): Promise<void> {
  const has =
    kind === 'process'
      ? await orElse(dockerHas(project, io), false, io)
      : (await listProcessProjects(io)).includes(project);
  if (!has) return;
  const how = kind === 'process' ? 'in containers' : 'as processes';
  throw new UserError('PROJECT_ELSEWHERE', `there is already a project ${project} ${how}`, {
    exitCode: EXIT.preflight,
    hint: `dynamo down -p ${project} removes it; -p chooses another name`,
  });
}

/** GPUs that projects of the other runtime hold: one machine has them once. */
export async function readOtherHolds(kind: RuntimeKind, io: Io): Promise<readonly GpuHold[]> {
  if (kind === 'process')
    return orElse(
      connectDocker(io).then((docker) => docker.gpuHolds(io.interrupted)),
      [],
      io,
    );
  if ((await listProcessProjects(io)).length === 0) return [];
  return (await connectProcesses(io)).gpuHolds(io.interrupted);
}
