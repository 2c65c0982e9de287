import { stat } from 'node:fs/promises';
import { UserError } from '../model/diagnostic.ts';
import { itemsAt, stringAt } from '../model/node.ts';
import type { ResolvedGraph } from '../model/resolved-graph.ts';
import type { HostFolder } from '../plan/model-cache.ts';
import { expandHome } from './expand-home.ts';

/** A directory and who may write to it; undefined when it is none. */
export async function readHostFolder(path: string): Promise<HostFolder | undefined> {
  const info = await stat(path).catch(() => undefined);
  return info?.isDirectory() ? { path, owner: info.uid, open: (info.mode & 0o002) !== 0 } : undefined;
}

/** `--volume CLAIM=PATH` by claim. INVALID_FLAG, FILE_NOT_FOUND (exit 2). */
export async function readVolumeFlags(
  flags: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<ReadonlyMap<string, HostFolder>> {
  const folders = await Promise.all(
    flags.map(async (flag) => {
      const [, claim, written] = /^([^=]+)=(.+)$/.exec(flag) ?? [];
      if (claim === undefined || written === undefined) {
        throw new UserError('INVALID_FLAG', `--volume: "${flag}" is no CLAIM=PATH`, {
          hint: 'for example --volume model-cache=~/models',
        });
      }
      const path = expandHome(written, env);
      const folder = await readHostFolder(path);
      if (folder) return [claim, folder] as const;
      throw new UserError('FILE_NOT_FOUND', `--volume ${claim}: there is no directory ${path}`, {
        hint: `make it: mkdir -p ${path}`,
      });
    }),
  );
  return new Map(folders);
}

/** The `hostPath` volumes of the graph whose path this machine does not have. */
export async function findMissingHostPaths(graph: ResolvedGraph): Promise<ReadonlySet<string>> {
  const paths = graph.components.flatMap(({ podTemplate }) =>
    itemsAt(podTemplate, 'spec', 'volumes').flatMap((volume) => stringAt(volume, 'hostPath', 'path') ?? []),
  );
  const missing = await Promise.all(
    [...new Set(paths)].map(async (path) => ((await stat(path).catch(() => undefined)) ? [] : [path])),
  );
  return new Set(missing.flat());
}
