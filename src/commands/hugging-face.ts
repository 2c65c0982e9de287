import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostFolder } from '../plan/model-cache.ts';
import { readHostFolder } from './read-host-folders.ts';

export interface HuggingFace {
  /** From HF_TOKEN, else from `hf auth login`. */
  readonly token: string | undefined;
  /** The cache directory, when it is there. */
  readonly cache: HostFolder | undefined;
}

/** Where the hub client keeps everything: HF_HOME, else below the cache directory. */
export function cacheFolder(env: Readonly<Record<string, string | undefined>>, home: string): string {
  return env.HF_HOME || join(env.XDG_CACHE_HOME || join(home, '.cache'), 'huggingface');
}

/** Where the hub client keeps models: HF_HUB_CACHE, else `hub` below the cache directory. */
export function hubFolder(env: Readonly<Record<string, string | undefined>>, home: string): string {
  return env.HF_HUB_CACHE || join(cacheFolder(env, home), 'hub');
}

/** The caller's Hugging Face login and cache: HF_HOME, else ~/.cache/huggingface, as the hub client looks for them. */
export async function findHuggingFace(
  env: Readonly<Record<string, string | undefined>>,
  home: string,
): Promise<HuggingFace> {
  const folder = cacheFolder(env, home);
  const [cache, login] = await Promise.all([
    readHostFolder(folder),
    readFile(env.HF_TOKEN_PATH || join(folder, 'token'), 'utf8').catch(() => ''),
  ]);
  const token = env.HF_TOKEN || env.HUGGING_FACE_HUB_TOKEN || login.trim();
  return { token: token === '' ? undefined : token, cache };
}
