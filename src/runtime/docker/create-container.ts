import { posix } from 'node:path';
import type Docker from 'dockerode';
import type { DesiredContainer, DesiredMount } from '../../model/desired-state.ts';
import { EXIT, UserError } from '../../model/diagnostic.ts';
import { LABEL } from '../../model/labels.ts';
import { containerBody } from './container-body.ts';
import { makeSubPath } from './create-volume.ts';
import { callEngine, isConflict, isNotFound, tolerate } from './engine-errors.ts';
import { readGpuDriver } from './gpu-request.ts';
import { unfinishedName } from './unfinished-name.ts';
import { writeFiles } from './write-files.ts';

/** The first engine API that mounts a part of a volume; older ones mount the whole without a word. */
const SUBPATH_API = 1.45;

/** Makes a container with its files in it. One with the same name and hash is taken as it is; another one is NAME_TAKEN (exit 3). */
export async function createContainer(docker: Docker, desired: DesiredContainer, signal: AbortSignal): Promise<void> {
  const { name, files } = desired;
  await callEngine({ what: name, signal, otherwise: 'START_FAILED' }, async () => {
    const container = await prepareSubPaths(docker, desired, signal);
    if (files.length === 0) {
      await tolerateSame(docker, container, () => makeContainer(docker, container, name, signal), signal);
      return;
    }
    const made = await makeUnfinished(docker, container, signal);
    try {
      await writeFiles(made, files, { readOnlyRoot: container.readOnlyRoot }, signal);
      // A rename is one step: what has the name has its files, also when this process is killed here.
      const same = await tolerateSame(docker, container, () => made.rename({ name, abortSignal: signal }), signal);
      if (same === 'kept') await removeQuietly(made);
    } catch (error) {
      await removeQuietly(made);
      throw error;
    }
  });
}

async function makeContainer(
  docker: Docker,
  container: DesiredContainer,
  name: string,
  signal: AbortSignal,
): Promise<Docker.Container> {
  const driver = container.gpus.length > 0 ? await readGpuDriver(docker) : 'nvidia';
  // Without `_query` dockerode writes the whole body into the URL too, environment included, and engines log URLs.
  const options = { _query: { name }, _body: containerBody(container, driver), abortSignal: signal };
  return docker.createContainer(options);
}

async function makeUnfinished(
  docker: Docker,
  container: DesiredContainer,
  signal: AbortSignal,
): Promise<Docker.Container> {
  const name = unfinishedName(container.name);
  try {
    return await makeContainer(docker, container, name, signal);
  } catch (error) {
    if (!isConflict(error)) throw error;
    // Left by a run that was killed.
    await tolerate(docker.getContainer(name).remove({ force: true, v: true }), isNotFound);
    return makeContainer(docker, container, name, signal);
  }
}

async function tolerateSame(
  docker: Docker,
  { name, hash }: DesiredContainer,
  run: () => Promise<unknown>,
  signal: AbortSignal,
): Promise<'made' | 'kept'> {
  try {
    await run();
    return 'made';
  } catch (cause) {
    if (!isConflict(cause)) throw cause;
    const { Config } = await docker.getContainer(name).inspect({ abortSignal: signal });
    if (Config.Labels?.[LABEL.hash] === hash) return 'kept';
    throw new UserError('NAME_TAKEN', `there is already another container named ${name}`, {
      exitCode: EXIT.preflight,
      hint: `remove it with docker rm ${name}, or choose another project name with -p`,
      cause,
    });
  }
}

/** The container with its subPaths made; engines that mount no part of a volume get the directory behind it. */
async function prepareSubPaths(
  docker: Docker,
  container: DesiredContainer,
  signal: AbortSignal,
): Promise<DesiredContainer> {
  if (!container.mounts.some((mount) => mount.kind === 'volume' && mount.subPath !== undefined)) return container;
  const { ApiVersion } = await docker.version();
  const [major = 0, minor = 0] = ApiVersion.split('.').map(Number);
  const mountsParts = major + minor / 100 >= SUBPATH_API;
  const mounts: DesiredMount[] = [];
  for (const mount of container.mounts) {
    if (mount.kind !== 'volume' || mount.subPath === undefined) {
      mounts.push(mount);
      continue;
    }
    const { volume, subPath, path, readOnly } = mount;
    const project = container.labels[LABEL.project] ?? '';
    await makeSubPath(docker, { project, volume, subPath, owner: mount.owner, image: container.image }, signal);
    if (mountsParts) {
      mounts.push(mount);
      continue;
    }
    const { Mountpoint } = await docker.getVolume(volume).inspect({ abortSignal: signal });
    mounts.push({ kind: 'bind', source: posix.join(Mountpoint, subPath), path, readOnly });
  }
  return { ...container, mounts };
}

/** The failure that led here counts; what cannot be removed is an orphan of the next plan. */
async function removeQuietly(container: Docker.Container): Promise<void> {
  await container.remove({ force: true, v: true }).catch(() => undefined);
}
