import { posix } from 'node:path';
import type Docker from 'dockerode';
import type { DesiredVolume } from '../../model/desired-state.ts';
import { EXIT, UserError } from '../../model/diagnostic.ts';
import { LABEL } from '../../model/labels.ts';
import { callEngine, isNotFound, tolerate } from './engine-errors.ts';

/** kubelet pkg/volume/emptydir/empty_dir.go perm. */
const EMPTY_DIR_MODE = 0o777;
/** What fsGroup does (kubelet pkg/volume/volume_linux.go): the group may write, and what is made below stays the group's. */
const FS_GROUP_MODE = 0o2775;

/** Driver options of a tmpfs volume (mount(8)); size 0 is the kernel's default, half of the memory. */
function driverOptions(volume: DesiredVolume): Record<string, string> {
  if (volume.memoryBytes === undefined) return {};
  const size = volume.memoryBytes > 0 ? `,size=${Math.floor(volume.memoryBytes)}` : '';
  return { type: 'tmpfs', device: 'tmpfs', o: `mode=0777${size}` };
}

/** What the root directory shall be; undefined: root's, 0755, as the engine makes it. A tmpfs gets its mode from the mount. */
function rootDirectory(volume: DesiredVolume): { readonly owner: number; readonly mode: number } | undefined {
  if (volume.memoryBytes !== undefined) return undefined;
  if (volume.scratch) return { owner: volume.owner ?? 0, mode: EMPTY_DIR_MODE };
  return volume.owner === undefined || volume.owner === 0 ? undefined : { owner: volume.owner, mode: FS_GROUP_MODE };
}

/** A labelled volume whose root directory has its owner. One that exists and is the project's is taken; another is NAME_TAKEN (exit 3). */
export async function createVolume(
  docker: Docker,
  project: string,
  volume: DesiredVolume,
  signal: AbortSignal,
): Promise<void> {
  await callEngine({ what: `volume ${volume.name}`, signal }, async () => {
    const made = await docker.createVolume({
      Name: volume.name,
      Labels: { [LABEL.project]: project, ...(volume.scratch ? { [LABEL.scratch]: 'true' } : {}) },
      DriverOpts: driverOptions(volume),
      abortSignal: signal,
    });
    // The engine answers with the volume that is there, whatever its labels.
    const { Labels } = await made.inspect();
    if (Labels?.[LABEL.project] !== project) {
      throw new UserError('NAME_TAKEN', `there is already another volume named ${volume.name}`, {
        exitCode: EXIT.preflight,
        hint: `remove it with docker volume rm ${volume.name}, or choose another project name with -p`,
      });
    }
    const root = rootDirectory(volume);
    if (root) await setRoot(docker, project, volume, root, signal);
  });
}

/** Removes a volume; one that is gone is fine. */
export async function removeVolume(docker: Docker, volume: string, signal: AbortSignal): Promise<void> {
  await callEngine({ what: `volume ${volume}`, signal }, () =>
    tolerate(docker.getVolume(volume).remove({ abortSignal: signal }), isNotFound),
  );
}

/** A directory that is unpacked into a volume: `.` is its root. */
interface VolumeDirectory {
  readonly path: string;
  readonly owner: number;
  readonly mode: number;
}

async function setRoot(
  docker: Docker,
  project: string,
  volume: DesiredVolume,
  root: Omit<VolumeDirectory, 'path'>,
  signal: AbortSignal,
): Promise<void> {
  await withVolume(docker, { project, volume: volume.name, image: volume.image }, signal, (container) =>
    unpackDirectory(container, { path: '.', ...root }, signal),
  );
}

/** Runs something on a container that never starts and has the volume at /volume; the container is gone afterwards. */
async function withVolume(
  docker: Docker,
  { project, volume, image }: { readonly project: string; readonly volume: string; readonly image: string },
  signal: AbortSignal,
  run: (container: Docker.Container) => Promise<void>,
): Promise<void> {
  const container = await docker.createContainer({
    Image: image,
    Entrypoint: ['/nothing'],
    Cmd: [],
    Labels: { [LABEL.project]: project, [LABEL.role]: 'volume' },
    HostConfig: {
      NetworkMode: 'none',
      Mounts: [
        {
          Type: 'volume',
          Source: volume,
          Target: '/volume',
          VolumeOptions: { NoCopy: true, Labels: {}, DriverConfig: { Name: 'local', Options: {} } },
        },
      ],
    },
    abortSignal: signal,
  });
  try {
    await run(container);
  } finally {
    await tolerate(container.remove({ force: true }), isNotFound);
  }
}

/**
 * The engine has no call for it, so the directory is unpacked over itself: less than half the time of running `chown`, and it works
 * with images that have none.
 */
async function unpackDirectory(
  container: Docker.Container,
  { path, owner, mode }: VolumeDirectory,
  signal: AbortSignal,
): Promise<void> {
  const { default: tar } = await import('tar-stream');
  const archive = tar.pack();
  archive.entry({ name: posix.join('volume', path), type: 'directory', uid: owner, gid: owner, mode });
  archive.finalize();
  await container.putArchive(archive, { path: '/', abortSignal: signal });
}

/** Where a mount of a part of a volume comes from. */
export interface SubPathMount {
  readonly project: string;
  readonly volume: string;
  readonly subPath: string;
  /** Who owns directories that are missing; undefined: anybody may write, as in an emptyDir. */
  readonly owner: number | undefined;
  /** Any image that is here. */
  readonly image: string;
}

/** Makes the directories of a subPath that are missing, as the kubelet does (pkg/volume/util/subpath SafeMakeDir). */
export async function makeSubPath(docker: Docker, mount: SubPathMount, signal: AbortSignal): Promise<void> {
  await withVolume(docker, mount, signal, async (container) => {
    const parts = mount.subPath.split('/');
    for (const [index] of parts.entries()) {
      const path = parts.slice(0, index + 1).join('/');
      const there = await container.infoArchive({ path: posix.join('/volume', path) }).then(
        () => true,
        (error: unknown) => {
          if (isNotFound(error)) return false;
          throw error;
        },
      );
      const mode = mount.owner === undefined ? EMPTY_DIR_MODE : FS_GROUP_MODE;
      if (!there) await unpackDirectory(container, { path, owner: mount.owner ?? 0, mode }, signal);
    }
  });
}
