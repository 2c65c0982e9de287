import { posix } from 'node:path';
import type Docker from 'dockerode';
import { pack } from 'tar-stream';
import type { DesiredFile } from '../../model/desired-state.ts';

/** Puts files into a container that was created and not started; the engine makes their parents, contents never touch the host's disk. */
export async function writeFiles(
  docker: Docker,
  name: string,
  files: readonly DesiredFile[],
  signal: AbortSignal,
): Promise<void> {
  if (files.length === 0) return;
  const archive = pack();
  for (const file of files) {
    const path = posix.normalize(file.path).replace(/^\/+/, '');
    const owner = file.owner === undefined ? {} : { uid: file.owner, gid: file.owner };
    archive.entry({ name: path, mode: file.mode, ...owner }, Buffer.from(file.content));
  }
  archive.finalize();
  await docker.getContainer(name).putArchive(archive, { path: '/', abortSignal: signal });
}
