import type { DesiredContainer, DesiredNetworking, PublishedPort } from '../model/desired-state.ts';
import { LABEL } from '../model/labels.ts';
import { BARE_CONTAINER } from './desired-container.ts';
import { hashContainer } from './hash-spec.ts';

/** A process that holds namespaces and ends at once when it is told to. */
const COMMAND = ['/bin/sh', '-c', 'trap "exit 0" TERM INT; while :; do sleep 86400 & wait; done'];

export interface SandboxContext {
  readonly name: string;
  readonly network: DesiredNetworking;
  readonly publish: readonly PublishedPort[];
  readonly labels: Readonly<Record<string, string>>;
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
    network: context.network,
    publish: context.publish,
    graceSeconds: 1,
  } satisfies Omit<DesiredContainer, 'hash' | 'labels'>;
  const hash = hashContainer(spec);
  return { ...spec, hash, labels: { ...context.labels, [LABEL.hash]: hash } };
}
