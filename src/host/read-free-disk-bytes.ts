import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Bytes that an unprivileged process can still write where `directory` is, or where it would be made: the nearest parent that exists
 * is asked. Undefined when that cannot be told.
 */
export async function readFreeDiskBytes(directory: string): Promise<number | undefined> {
  let path = directory;
  for (;;) {
    try {
      const { bavail, bsize } = await statfs(path);
      return bavail * bsize;
    } catch {
      const parent = dirname(path);
      if (parent === path) return undefined;
      path = parent;
    }
  }
}
