import { UserError } from '../model/diagnostic.ts';
import { PROJECT_NAME, projectName } from '../model/names.ts';

/** Refuses names that could not stand in container names and hostnames. */
export function checkProjectName(name: string): string {
  if (PROJECT_NAME.test(name)) return name;
  throw new UserError('PROJECT_NAME', `"${name}" is no project name`, {
    hint: `use lower-case letters, digits and dashes, 63 at most: ${projectName(name)}`,
  });
}
