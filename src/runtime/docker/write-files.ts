import { posix } from 'node:path';
import type Docker from 'dockerode';
import type { DesiredFile } from '../../model/desired-state.ts';

/** The directory that a read-only root needs a writable place for. */
function fileDirectory(file: Pick<DesiredFile, 'path'>): string {
  return posix.dirname(posix.resolve('/', file.path));
}

/** The directories of files, without those that lie in another of them. */
export function fileDirectories(files: readonly Pick<DesiredFile, 'path'>[]): string[] {
  const all = [...new Set(files.map(fileDirectory))].toSorted();
  return all.filter((path) => !all.some((other) => other !== path && path.startsWith(`${other}/`)));
}

/** Files as a tar archive below `base`. Parents that are missing are made by the engine, 0755 and root's (moby pkg/archive). */
async function packFiles(files: readonly DesiredFile[], base: string): Promise<NodeJS.ReadableStream> {
  const { default: tar } = await import('tar-stream');
  const archive = tar.pack();
  for (const file of files) {
    const name = posix.relative(base, posix.resolve('/', file.path));
    const owner = file.owner === undefined ? {} : { uid: file.owner, gid: file.owner };
    archive.entry({ name, mode: file.mode, ...owner }, Buffer.from(file.content));
  }
  archive.finalize();
  return archive;
}

export interface WriteFilesOptions {
  /** The root is read-only: the engine writes below the mounts of `fileDirectories` only. */
  readonly readOnlyRoot: boolean;
}

/** Puts files into a container that was created and not started; contents never touch a disk outside the engine. */
export async function writeFiles(
  container: Docker.Container,
  files: readonly DesiredFile[],
  { readOnlyRoot }: WriteFilesOptions,
  signal: AbortSignal,
): Promise<void> {
  for (const base of readOnlyRoot ? fileDirectories(files) : ['/']) {
    const inside = files.filter((file) => base === '/' || posix.resolve('/', file.path).startsWith(`${base}/`));
    if (inside.length === 0) continue;
    await container.putArchive(await packFiles(inside, base), { path: base, abortSignal: signal });
  }
}
