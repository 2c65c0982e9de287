import type Docker from 'dockerode';
import type { DesiredVolume } from '../../model/desired-state.ts';
import { LABEL } from '../../model/labels.ts';
import { asUserError, isNotFound } from './engine-errors.ts';

/** Driver options of a tmpfs volume (mount(8)); size 0 is the kernel's default, half of the memory. */
function driverOptions(volume: DesiredVolume): Record<string, string> {
  if (volume.memoryBytes === undefined) return {};
  const size = volume.memoryBytes > 0 ? `,size=${Math.floor(volume.memoryBytes)}` : '';
  return { type: 'tmpfs', device: 'tmpfs', o: `mode=1777${size}` };
}

/**
 * A labelled volume. Its root directory belongs to root until somebody gives it away: a short-lived container of an image that runs
 * here anyway does, since the engine has no call for it. A tmpfs gets its mode from the mount.
 */
export async function createVolume(
  docker: Docker,
  project: string,
  volume: DesiredVolume,
  signal: AbortSignal,
): Promise<void> {
  await asUserError(`volume ${volume.name}`, async () => {
    await docker.createVolume({
      Name: volume.name,
      Labels: { [LABEL.project]: project, ...(volume.scratch ? { [LABEL.scratch]: 'true' } : {}) },
      DriverOpts: driverOptions(volume),
      abortSignal: signal,
    });
    if (volume.memoryBytes !== undefined) return;
    if (volume.scratch) await runOnce(docker, project, volume, ['chmod', '1777', '/volume'], signal);
    else if (volume.owner !== undefined)
      await runOnce(docker, project, volume, ['chown', `${volume.owner}:${volume.owner}`, '/volume'], signal);
  });
}

async function runOnce(
  docker: Docker,
  project: string,
  volume: DesiredVolume,
  command: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const container = await docker.createContainer({
    Image: volume.image,
    User: '0',
    Entrypoint: [...command],
    Cmd: [],
    Labels: { [LABEL.project]: project, [LABEL.role]: 'volume' },
    HostConfig: {
      NetworkMode: 'none',
      Mounts: [{ Type: 'volume', Source: volume.name, Target: '/volume' }],
    },
    abortSignal: signal,
  });
  try {
    await container.start({ abortSignal: signal });
    const { StatusCode } = await container.wait({ abortSignal: signal });
    if (StatusCode !== 0) throw new Error(`${command.join(' ')} in volume ${volume.name} ended with ${StatusCode}`);
  } finally {
    await container.remove({ force: true }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
  }
}
