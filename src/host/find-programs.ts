import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Those of the names that are programs on the PATH of `env`. */
export async function findPrograms(
  names: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<readonly string[]> {
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const found = await Promise.all(
    names.map(async (name) => {
      const tries = folders.map((folder) => access(join(folder, name), constants.X_OK));
      return Promise.any(tries).then(
        () => [name],
        () => [],
      );
    }),
  );
  return found.flat();
}
