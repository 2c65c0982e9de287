import { statfs } from 'node:fs/promises';

/** Bytes that may still be written below a directory; undefined when it cannot be looked at. */
export async function freeBytes(directory: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
