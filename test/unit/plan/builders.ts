import type { DesiredContainer, DesiredReplica, DesiredState } from '../../../src/model/desired-state.ts';
import type { ObservedContainer, ObservedState } from '../../../src/model/observed-state.ts';

/** A desired container with everything left out that a test does not name. */
export function desiredContainer(name: string, overrides: Partial<DesiredContainer> = {}): DesiredContainer {
  return {
    name,
    container: 'main',
    role: 'main',
    image: 'worker:1',
    pullPolicy: 'IfNotPresent',
    entrypoint: undefined,
    args: undefined,
    env: [],
    workingDir: undefined,
    user: undefined,
    groups: [],
    capabilitiesAdd: [],
    capabilitiesDrop: [],
    privileged: false,
    readOnlyRoot: false,
    shmBytes: undefined,
    memoryBytes: undefined,
    cpus: undefined,
    ulimits: [],
    gpus: [],
    ipcMode: undefined,
    mounts: [],
    tmpfs: [],
    files: [],
    network: { kind: 'bridge', network: 'p_default', aliases: [], hostname: name },
    publish: [],
    probes: {},
    graceSeconds: 60,
    labels: {},
    hash: `hash-${name}`,
    ...overrides,
  };
}

export function desiredReplica(
  id: string,
  containers: readonly DesiredContainer[],
  overrides: Partial<DesiredReplica> = {},
): DesiredReplica {
  return {
    id,
    component: id.replace(/-\d+$/, ''),
    type: 'worker',
    index: 0,
    startAfter: [],
    runtimeVersion: '1.4.2',
    gpus: containers.flatMap((container) => container.gpus),
    containers,
    frontendPort: undefined,
    facts: { graceSeconds: 60, reach: 'direct', runtimeVersion: '1.4.2' },
    ...overrides,
  };
}

export function desiredState(replicas: readonly DesiredReplica[], overrides: Partial<DesiredState> = {}): DesiredState {
  const infra = (['etcd', 'nats'] as const).map((service) => ({
    service,
    container: desiredContainer(`p-${service}`, {
      role: 'infra',
      container: service,
      image: `${service}:1`,
      graceSeconds: 5,
    }),
  }));
  return {
    project: 'p',
    graph: 'g',
    generation: '1.5',
    source: 'g.yaml',
    network: 'p_default',
    volumes: [],
    infra,
    servers: { nats: false, jetStream: false },
    replicas,
    pullLogins: new Map(),
    notices: [],
    ...overrides,
  };
}

/** A container as it is after `up`: running, with the hash that is desired. */
export function observedContainer(
  desired: DesiredContainer,
  overrides: Partial<ObservedContainer> = {},
): ObservedContainer {
  return {
    id: desired.name,
    name: desired.name,
    project: 'p',
    graph: 'g',
    source: 'g.yaml',
    component: desired.role === 'infra' ? desired.container : desired.name.replace(/^p-/, '').replace(/-\d+.*$/, ''),
    type: 'worker',
    replica: 0,
    role: desired.role,
    container: desired.container,
    hash: desired.hash,
    gpus: desired.gpus,
    probes: desired.probes,
    facts: { graceSeconds: desired.graceSeconds, reach: 'direct', runtimeVersion: '1.4.2' },
    status: 'running',
    exitCode: undefined,
    oomKilled: false,
    memoryLimited: false,
    startedAt: 1,
    finishedAt: undefined,
    imageId: `id of ${desired.image}`,
    image: desired.image,
    restartPolicy: 'no',
    restartCount: 0,
    address: '10.0.0.2',
    published: [],
    ...overrides,
  };
}

export function observedState(
  containers: readonly ObservedContainer[],
  images: readonly string[],
  overrides: Partial<ObservedState> = {},
): ObservedState {
  return {
    project: 'p',
    containers,
    networks: containers.length > 0 ? [{ id: 'n', name: 'p_default' }] : [],
    volumes: [],
    images: new Map(images.map((image) => [image, { id: `id of ${image}`, user: '' }])),
    gpuHolds: [],
    ...overrides,
  };
}

/** Everything that a desired state wants, running. */
export function allRunning(desired: DesiredState): readonly ObservedContainer[] {
  return [
    ...desired.infra.map((entry) => entry.container),
    ...desired.replicas.flatMap((replica) => replica.containers),
  ].map((container) => observedContainer(container));
}
