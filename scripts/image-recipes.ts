import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { directoryFiles, hubCacheFiles } from '../src/mock/tiny-model.ts';
import { BASE_RECIPE } from './base-image.ts';

/** The model that every CPU image holds. */
const MODEL_ID = 'local/tiny';

/** Build arguments that change the image; those of this machine's network do not. */
const IDENTITY_ARGS = ['VERSION', 'RUN_AS'] as const;

/** What an image is built from. */
export interface Recipe {
  /** Repository of the image, e.g. `dynamo-cpu`. */
  readonly repository: string;
  /** The Dynamo version: part of the tag, and a second tag of its own. */
  readonly version: string | undefined;
  readonly buildArgs: Readonly<Record<string, string>>;
  /** The build context, by path. */
  readonly files: ReadonlyMap<string, string | Buffer>;
}

async function readFolder(folder: string): Promise<Map<string, string | Buffer>> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(await Promise.all(paths.map(async (path) => [relative(folder, path), await readFile(path)] as const)));
}

/** Recipe of the image of etcd, NATS, or the registry of the tests; `images` is the folder that holds the Dockerfiles. */
export async function infraRecipe(images: string, name: 'etcd' | 'nats' | 'registry'): Promise<Recipe> {
  return {
    repository: `dynamo-${name}`,
    version: undefined,
    buildArgs: {},
    files: await readFolder(join(images, name)),
  };
}

/** Recipe of the frontend and mocker of one Dynamo version, with the tiny model inside. */
export async function dynamoRecipe(images: string, version: string): Promise<Recipe> {
  const files = await readFolder(join(images, 'dynamo-cpu'));
  for (const [path, content] of Object.entries(directoryFiles(MODEL_ID))) files.set(path, content);
  for (const [path, content] of Object.entries(hubCacheFiles(MODEL_ID))) files.set(`hub/${path}`, content);
  const runAs = version.startsWith('0.') ? 'root' : 'dynamo';
  return { repository: 'dynamo-cpu', version, buildArgs: { VERSION: version, RUN_AS: runAs }, files };
}

/**
 * Twelve digits that stand for everything that decides the image. The base counts by how it is made and not by its id: else a
 * base that was pruned and made again would have every image built again.
 */
export function hashRecipe(recipe: Recipe): string {
  const hash = createHash('sha256').update(BASE_RECIPE);
  for (const [path, content] of [...recipe.files].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`\0${path}\0`).update(content);
  }
  for (const name of IDENTITY_ARGS) hash.update(`\0${recipe.buildArgs[name] ?? ''}`);
  return hash.digest('hex').slice(0, 12);
}
