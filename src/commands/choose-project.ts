import { UserError } from '../model/diagnostic.ts';
import { PROJECT_NAME, projectName } from '../model/names.ts';
import type { Runtime } from '../model/runtime.ts';

/** Refuses names that could not stand in container names and hostnames. */
export function checkProjectName(name: string): string {
  if (PROJECT_NAME.test(name)) return name;
  throw new UserError('PROJECT_NAME', `"${name}" is no project name`, {
    hint: `use lower-case letters, digits and dashes, 63 at most: ${projectName(name)}`,
  });
}

/** The project of a command that has no source file: `-p`, DYNAMO_PROJECT, else the only one there is. */
export async function chooseProject(
  named: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  runtime: Runtime,
  signal: AbortSignal,
): Promise<string> {
  const given = named ?? env.DYNAMO_PROJECT;
  if (given !== undefined && given !== '') return checkProjectName(given);
  const projects = new Set((await runtime.observeAll(signal)).map((container) => container.project));
  const [only, ...others] = [...projects].toSorted();
  if (only === undefined) {
    throw new UserError('NO_PROJECT', 'nothing of dynamo is on this machine', {
      hint: 'dynamo up FILE brings a graph up',
    });
  }
  if (others.length > 0) {
    throw new UserError('SEVERAL_PROJECTS', `there are several projects: ${[only, ...others].join(', ')}`, {
      hint: 'name one with -p',
    });
  }
  return only;
}
