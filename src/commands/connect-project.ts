import { readdir } from 'node:fs/promises';
import { EXIT, formatDiagnostic, UserError } from '../model/diagnostic.ts';
import type { ObservedContainer } from '../model/observed-state.ts';
import { projectFolder, volumesFolder } from '../model/process-paths.ts';
import type { Runtime } from '../model/runtime.ts';
import { checkProjectName } from './check-project-name.ts';
import { connectDocker, connectProcesses } from './connect.ts';
import { type Io, say } from './io.ts';
import { processRoot } from './runtime-kind.ts';

export interface ConnectedProject {
  readonly project: string;
  readonly runtime: Runtime;
}

async function listProcessProjects(io: Io): Promise<readonly string[]> {
  const { listProjects } = await import('../runtime/process/list-projects.ts');
  return listProjects(processRoot(io));
}

/** Every runtime that may have projects: processes only where there are some, Docker wherever an engine answers. */
export async function connectAll(io: Io): Promise<readonly Runtime[]> {
  const docker = await connectDocker(io);
  const processes = await listProcessProjects(io);
  if (processes.length === 0) return [docker];
  const answers = await docker.facts(io.interrupted).then(
    () => true,
    () => false,
  );
  return [...(answers ? [docker] : []), await connectProcesses(io)];
}

/** Claims of a project of processes outlive it until `down -v`. */
async function keepsVolumes(project: string, io: Io): Promise<boolean> {
  const folder = volumesFolder(projectFolder(processRoot(io), project), false);
  return (await readdir(folder).catch(() => [])).length > 0;
}

/**
 * The project of a command that has no source file, and the runtime that has it: `-p`, DYNAMO_PROJECT, else the only one there is,
 * whichever runtime has it.
 */
export async function connectProject(named: string | undefined, io: Io): Promise<ConnectedProject> {
  const processes = await listProcessProjects(io);
  const given = named ?? io.env.DYNAMO_PROJECT;
  if (given !== undefined && given !== '') {
    const project = checkProjectName(given);
    const isProcess = processes.includes(project) || (await keepsVolumes(project, io));
    return { project, runtime: await (isProcess ? connectProcesses(io) : connectDocker(io)) };
  }
  const found = new Map<string, Runtime>();
  for (const runtime of await connectAll(io))
    for (const { project } of await runtime.observeAll(io.interrupted)) found.set(project, runtime);
  const [only, ...others] = [...found].toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (only === undefined) {
    throw new UserError('NO_PROJECT', 'nothing of dynamo is on this machine', {
      hint: 'dynamo up FILE brings a graph up',
    });
  }
  if (others.length > 0) {
    const names = [only, ...others].map(([project]) => project).join(', ');
    throw new UserError('SEVERAL_PROJECTS', `there are several projects: ${names}`, { hint: 'name one with -p' });
  }
  const [project, runtime] = only;
  return { project, runtime };
}

/**
 * The containers of a project. Where it has none: `must` throws PROJECT_UNKNOWN (exit 3); else it is said, since a name that is mistyped
 * looks like a project that is down.
 */
export async function observeContainersOf(
  { project, runtime }: ConnectedProject,
  io: Io,
  must = false,
): Promise<readonly ObservedContainer[]> {
  const { containers } = await runtime.observe(project, [], io.interrupted);
  if (containers.length > 0) return containers;
  if (must) throw projectUnknown(project);
  const { code, message, hint } = projectUnknown(project);
  say(io, formatDiagnostic({ severity: 'notice', code, message, ...(hint === undefined ? {} : { hint }) }));
  return containers;
}

export function projectUnknown(project: string): UserError {
  return new UserError('PROJECT_UNKNOWN', `project ${project} has nothing on this machine`, {
    exitCode: EXIT.preflight,
    hint: 'dynamo ls lists the projects that have',
  });
}
