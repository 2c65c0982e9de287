import { EXIT, UserError } from '../model/diagnostic.ts';
import type { GpuHold } from '../model/host-inventory.ts';
import type { Runtime } from '../model/runtime.ts';
import { connectDocker, connectProcesses } from './connect.ts';
import type { Io } from './io.ts';
import { processRoot, type RuntimeKind } from './runtime-kind.ts';

/** The runtime beside the one that is used, where it has anything. */
async function findOther(kind: RuntimeKind, io: Io): Promise<Runtime | undefined> {
  if (kind === 'process') return connectDocker(io);
  const { listProjects } = await import('../runtime/process/list-projects.ts');
  return (await listProjects(processRoot(io))).length > 0 ? connectProcesses(io) : undefined;
}

/**
 * GPUs that projects of the other runtime hold: one machine has them once. Throws PROJECT_ELSEWHERE (exit 3) when that runtime has a
 * project of this name, as later commands could not tell the two. An engine that does not answer has nothing.
 */
export async function readOtherRuntime(kind: RuntimeKind, project: string, io: Io): Promise<readonly GpuHold[]> {
  try {
    const other = await findOther(kind, io);
    if (!other) return [];
    const [containers, holds] = await Promise.all([other.observeAll(io.interrupted), other.gpuHolds(io.interrupted)]);
    if (!containers.some((container) => container.project === project)) return holds;
  } catch (error) {
    io.interrupted.throwIfAborted();
    if (error instanceof UserError) return [];
    throw error;
  }
  const how = kind === 'process' ? 'in containers' : 'as processes';
  throw new UserError('PROJECT_ELSEWHERE', `there is already a project ${project} ${how}`, {
    exitCode: EXIT.preflight,
    hint: `dynamo down -p ${project} removes it; -p chooses another name`,
  });
}
