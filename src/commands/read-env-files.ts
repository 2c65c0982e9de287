import { readFile } from 'node:fs/promises';
import { parseEnv } from 'node:util';
import { UserError } from '../model/diagnostic.ts';

/** Variables of `--env-file`, later files win. */
export async function readEnvFiles(files: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const texts = await Promise.all(
    files.map((file) =>
      readFile(file, 'utf8').catch((cause: unknown) => {
        throw new UserError('FILE_NOT_FOUND', `--env-file: ${file} cannot be read`, { cause });
      }),
    ),
  );
  return new Map(
    texts.flatMap((text) =>
      Object.entries(parseEnv(text)).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
    ),
  );
}
