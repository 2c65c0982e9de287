import type { DesiredContainer, DesiredNetworking, PublishedPort } from '../model/desired-state.ts';
import { LABEL } from '../model/labels.ts';
import { BARE_CONTAINER } from './desired-container.ts';
import { hashContainer } from './hash-spec.ts';
import type { ContainerVolumes } from './pod-volumes.ts';

/** A process that holds namespaces and ends at once when it is told to. */
const COMMAND = ['/bin/sh', '-c', 'trap "exit 0" TERM INT; while :; do sleep 86400 & wait; done'];

export interface SandboxContext {
  readonly name: string;
  readonly network: DesiredNetworking;
  readonly publish: readonly PublishedPort[];
  readonly labels: Readonly<Record<string, string>>;
  /** Of the /dev/shm that several containers share; undefined: each has its own. */
  readonly shmBytes: number | undefined;
}

/**
 * The container that holds the network and every volume of a pod, so that both outlive a restart of the containers that join it
 * (DESIGN decision 2). It runs the image of the main container, the last of `containers`, which is here anyway.
 */
export function makeSandbox(containers: readonly DesiredContainer[], context: SandboxContext): DesiredContainer {
  const main = containers.at(-1);
  if (!main) throw new Error(`${context.name} has no container to hold`);
  const volumes = containers
    .flatMap((container) => container.mounts)
    .flatMap((mount) => (mount.kind === 'volume' ? [mount.volume] : []))
    .toSorted();
  const spec = {
    ...BARE_CONTAINER,
    name: context.name,
    container: 'sandbox',
    role: 'sandbox',
    image: main.image,
    pullPolicy: main.pullPolicy,
    entrypoint: COMMAND,
    args: [],
    workingDir: '/',
    user: '0',
    mounts: [...new Set(volumes)].map(
      (volume) => ({ kind: 'volume', volume, path: `/pod/${volume}`, readOnly: false, noCopy: true }) as const,
    ),
    shmBytes: context.shmBytes,
    ipcMode: context.shmBytes === undefined ? undefined : 'shareable',
    network: context.network,
    publish: context.publish,
    graceSeconds: 1,
  } satisfies Omit<DesiredContainer, 'hash' | 'labels'>;
  const hash = hashContainer(spec);
  return { ...spec, hash, labels: { ...context.labels, [LABEL.hash]: hash } };
}

/** /dev/shm of a pod: where several containers mount one volume there, the sandbox holds it for them. */
export function sharedMemory(all: readonly ContainerVolumes[]): {
  readonly bytes: number | undefined;
  readonly isShared: (mounted: ContainerVolumes) => boolean;
} {
  const names = all.flatMap(({ shmName }) => shmName ?? []);
  const shared = names.find((name, index) => names.indexOf(name) !== index);
  return {
    bytes: all.find(({ shmName }) => shmName !== undefined && shmName === shared)?.shmBytes,
    isShared: ({ shmName }) => shmName !== undefined && shmName === shared,
  };
}
