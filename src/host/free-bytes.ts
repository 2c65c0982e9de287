import { statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/**
 * Bytes that may still be written below a directory, by anybody and not by root alone. A directory that does not exist yet has the
 * room of its nearest parent. Undefined when it cannot be looked at.
 */
export async function freeBytes(directory: string): Promise<number | undefined> {
  const path = resolve(directory);
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch {
    const parent = dirname(path);
    return parent === path ? undefined : freeBytes(parent);
  }
}
