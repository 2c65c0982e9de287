import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where a program is, on the PATH of `env`; undefined: nowhere. */
export async function findProgram(name: string, env: Environment): Promise<string | undefined> {
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const folder of folders) {
    const path = join(folder, name);
    const here = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (here) return path;
  }
  return undefined;
}

/** Those of the names that are programs on the PATH of `env`. */
export async function findPrograms(names: readonly string[], env: Environment): Promise<readonly string[]> {
  const found = await Promise.all(names.map((name) => findProgram(name, env)));
  return names.filter((_, index) => found[index] !== undefined);
}
