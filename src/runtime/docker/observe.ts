import type Docker from 'dockerode';
import type { GpuHold } from '../../model/host-inventory.ts';
import { LABEL, membershipFilter } from '../../model/labels.ts';
import { replicaId } from '../../model/names.ts';
import type { ObservedContainer, ObservedImage, ObservedState } from '../../model/observed-state.ts';
import { parseGpus, parseReplica } from '../parse-labels.ts';
import { callEngine, isNotFound } from './engine-errors.ts';
import { parseImageReference } from './image-reference.ts';
import { parseContainer } from './parse-container.ts';

async function inspectContainer(
  docker: Docker,
  id: string,
  signal: AbortSignal,
): Promise<ObservedContainer | undefined> {
  try {
    return parseContainer(await docker.getContainer(id).inspect({ abortSignal: signal }));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** One container by name or id; undefined when it is gone or not ours. */
export function inspectOne(docker: Docker, name: string, signal: AbortSignal): Promise<ObservedContainer | undefined> {
  return callEngine({ what: `container ${name}`, signal }, () => inspectContainer(docker, name, signal));
}

/** Every container of the project, or of all projects, in a stable order: infrastructure first, then by component and replica. */
export async function observeContainers(
  docker: Docker,
  project: string | undefined,
  signal: AbortSignal,
): Promise<readonly ObservedContainer[]> {
  const listed = await docker.listContainers({
    all: true,
    filters: { label: [membershipFilter(project)] },
    abortSignal: signal,
  });
  const found = await Promise.all(listed.map(({ Id }) => inspectContainer(docker, Id, signal)));
  return found
    .flatMap((container) => (container ? [container] : []))
    .toSorted(
      (a, b) => compareText(a.project, b.project) || infraFirst(a) - infraFirst(b) || compareText(a.name, b.name),
    );
}

function infraFirst(container: ObservedContainer): number {
  return container.role === 'infra' ? 0 : 1;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const CUDA = 'CUDA_VERSION=';

async function observeImages(docker: Docker, images: readonly string[]): Promise<ReadonlyMap<string, ObservedImage>> {
  const found = await Promise.all(
    [...new Set(images)].map(async (image): Promise<readonly [string, ObservedImage] | undefined> => {
      parseImageReference(image);
      try {
        const info = await docker.getImage(image).inspect();
        const cudaVersion = info.Config?.Env?.find((entry) => entry.startsWith(CUDA))?.slice(CUDA.length);
        return [image, { id: info.Id, user: info.Config?.User ?? '', ...(cudaVersion ? { cudaVersion } : {}) }];
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    }),
  );
  return new Map(found.flatMap((entry) => (entry ? [entry] : [])));
}

/** GPUs that running containers of every project hold, by their labels. */
export async function observeGpuHolds(docker: Docker, signal: AbortSignal): Promise<readonly GpuHold[]> {
  const listed = await docker.listContainers({ filters: { label: [LABEL.gpus] }, abortSignal: signal });
  return listed.flatMap(({ Labels }) => {
    const project = Labels[LABEL.project];
    if (!project || !Labels[LABEL.role]) return [];
    const replica = replicaId(Labels[LABEL.component] ?? '', parseReplica(Labels[LABEL.replica]));
    return parseGpus(Labels[LABEL.gpus]).map((uuid) => ({ uuid, project, replica }));
  });
}

/** One snapshot of a project, everything asked at once. */
export function observe(
  docker: Docker,
  project: string,
  images: readonly string[],
  signal: AbortSignal,
): Promise<ObservedState> {
  const filters = { label: [membershipFilter(project)] };
  return callEngine({ what: 'observe', signal }, async () => {
    const [containers, networks, volumes, imagesHere, gpuHolds] = await Promise.all([
      observeContainers(docker, project, signal),
      docker.listNetworks({ filters, abortSignal: signal }),
      docker.listVolumes({ filters: { label: filters.label }, abortSignal: signal }),
      observeImages(docker, images),
      observeGpuHolds(docker, signal),
    ]);
    return {
      project,
      containers,
      networks: networks
        .map(({ Id, Name }) => ({ id: Id, name: Name }))
        .toSorted((a, b) => compareText(a.name, b.name)),
      volumes: volumes.Volumes.map(({ Name, Labels }) => ({
        name: Name,
        scratch: Labels?.[LABEL.scratch] === 'true',
      })).toSorted((a, b) => compareText(a.name, b.name)),
      images: imagesHere,
      gpuHolds,
    };
  });
}
