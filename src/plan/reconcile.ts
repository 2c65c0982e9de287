import type { DesiredContainer, DesiredReplica, DesiredState } from '../model/desired-state.ts';
import { replicaId } from '../model/names.ts';
import type { ObservedContainer, ObservedState } from '../model/observed-state.ts';
import type { Plan } from '../model/plan.ts';
import { PlanBuilder } from './plan-builder.ts';
import { briefly } from './plan-removal.ts';

export interface ReconcileOptions {
  readonly forceRecreate: boolean;
  /** Docker restarts containers once `up` has left. */
  readonly detach: boolean;
  /** Ask the registry even for images that are here. */
  readonly pullAlways: boolean;
  /** Replicas that are ready now: what runs and is not yet ready is waited for. */
  readonly readyReplicas: ReadonlySet<string>;
  /** A frontend whose answer proves the graph; undefined where no worker registers a model. */
  readonly routableFrontend: string | undefined;
}

interface Context {
  readonly desired: DesiredState;
  readonly observed: ObservedState;
  readonly options: ReconcileOptions;
  readonly builder: PlanBuilder;
  readonly byName: ReadonlyMap<string, ObservedContainer>;
  /** Ids of pull steps by image. */
  readonly pulls: Map<string, string>;
  readonly volumes: Map<string, string>;
  network: string | undefined;
}

/** Why an existing container cannot stay; undefined: it can. */
function recreateCause(container: DesiredContainer, found: ObservedContainer, context: Context): string | undefined {
  if (context.options.forceRecreate) return '--force-recreate';
  if (found.hash !== container.hash) return 'configuration changed';
  const image = context.observed.images.get(container.image);
  if (image && image.id !== found.imageId) return 'image changed';
  if (found.status === 'dead' || found.status === 'removing') return `it is ${found.status}`;
  // A lease lost with its etcd ends both halves with code 0 (facts/versions.md §2): what runs starts anew with it.
  if (container.role !== 'infra' && found.status === 'running' && startsInfraAnew(context))
    return 'etcd or NATS starts anew';
  return undefined;
}

function startsInfraAnew({ desired, byName, options, observed }: Context): boolean {
  return desired.infra.some(({ container }) => {
    const found = byName.get(container.name);
    const image = observed.images.get(container.image);
    const kept = found?.status === 'running' && found.hash === container.hash && (!image || image.id === found.imageId);
    return !kept || options.forceRecreate;
  });
}

/**
 * The steps from what is observed to what is desired: pulls, network and volumes at once; etcd and NATS first to start, everything
 * else created meanwhile and started together once both answer; readiness and a first answer last. Empty when nothing differs.
 */
export function reconcile(desired: DesiredState, observed: ObservedState, options: ReconcileOptions): Plan {
  const context: Context = {
    desired,
    observed,
    options,
    builder: new PlanBuilder(),
    byName: new Map(observed.containers.map((container) => [container.name, container])),
    pulls: new Map(),
    volumes: new Map(),
    network: undefined,
  };
  const containers = [
    ...desired.infra.map((entry) => entry.container),
    ...desired.replicas.flatMap((replica) => replica.containers),
  ];
  planPulls(containers, context);
  if (!observed.networks.some((network) => network.name === desired.network)) {
    context.network = context.builder.add(
      { kind: 'createNetwork', network: desired.network },
      desired.network,
      'missing',
      [],
    );
  }
  for (const volume of desired.volumes) {
    if (observed.volumes.some((entry) => entry.name === volume.name)) continue;
    const after = [context.pulls.get(volume.image)];
    context.volumes.set(
      volume.name,
      context.builder.add({ kind: 'createVolume', volume }, volume.name, 'missing', after),
    );
  }
  const removedBefore = planOrphans(containers, context);
  const healthy =
    desired.infra.length > 0
      ? desired.infra.flatMap(({ service, container }) => planInfra(service, container, context))
      : planShared(context);
  const ready = planReplicas(healthy, removedBefore, context);
  // Whoever was killed before it could hand restarts over to Docker had not seen the graph answer either.
  const unfinished = options.detach && observed.containers.some((container) => container.restartPolicy === 'no');
  const changed = healthy.length > 0 || ready.length > 0 || unfinished;
  if (changed) ready.push(...planRegistered(context));
  if (changed && options.routableFrontend !== undefined) {
    ready.push(
      context.builder.add(
        { kind: 'waitRoutable', frontend: options.routableFrontend },
        options.routableFrontend,
        'ready means routable',
        ready,
      ),
    );
  }
  planRestartPolicies(containers, ready, context);
  return context.builder.build(desired.project, desired.notices);
}

function planPulls(containers: readonly DesiredContainer[], context: Context): void {
  const { observed, options, desired, builder } = context;
  const wanted = new Map<string, { readonly cause: string; readonly isHere: boolean }>();
  for (const container of containers) {
    const { image, pullPolicy } = container;
    const isHere = observed.images.has(image);
    if (options.pullAlways) wanted.set(image, { cause: '--pull always', isHere: false });
    else if (!isHere && pullPolicy !== 'Never') wanted.set(image, { cause: 'not on this machine', isHere });
    else if (pullPolicy === 'Always' && willStart(container, context))
      wanted.set(image, { cause: 'imagePullPolicy: Always', isHere });
  }
  for (const [image, { cause, isHere }] of [...wanted].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const operation = { kind: 'pullImage', image, logins: desired.pullLogins.get(image) ?? [], isHere } as const;
    context.pulls.set(image, builder.add(operation, image, cause, []));
  }
}

/** A kubelet asks the registry again whenever it starts a container that says `Always`. */
function willStart(container: DesiredContainer, context: Context): boolean {
  const found = context.byName.get(container.name);
  return found?.status !== 'running' || recreateCause(container, found, context) !== undefined;
}

/** Removes what the graph no longer has. Returns the id of the removing step by GPU: who gets the GPU next waits for it. */
function planOrphans(containers: readonly DesiredContainer[], context: Context): Map<string, string> {
  const wanted = new Map(containers.map((container) => [container.name, container]));
  const removedBefore = new Map<string, string>();
  for (const found of context.observed.containers) {
    const container = wanted.get(found.name);
    const cause = container === undefined ? 'no longer in the graph' : recreateCause(container, found, context);
    if (cause === undefined) continue;
    // What runs goes on until the image that replaces it is here.
    const pull = container === undefined ? undefined : context.pulls.get(container.image);
    const removed = planRemoval(isCutOff(found, context) ? briefly(found) : found, cause, context.builder, pull);
    for (const gpu of found.gpus) removedBefore.set(gpu, removed);
  }
  return removedBefore;
}

/** It is not ready and its etcd has ended: nobody finds it, and a runtime that tries to end well waits for that etcd. */
function isCutOff(found: ObservedContainer, { desired, byName, options }: Context): boolean {
  if (found.role === 'infra' || options.readyReplicas.has(replicaId(found.component, found.replica))) return false;
  return desired.infra.some(({ container }) => byName.get(container.name)?.status !== 'running');
}

function planRemoval(found: ObservedContainer, cause: string, builder: PlanBuilder, after?: string): string {
  const { name } = found;
  const running = found.status === 'running' || found.status === 'restarting' || found.status === 'paused';
  const stop = running
    ? builder.add({ kind: 'stopContainer', name, graceSeconds: found.facts.graceSeconds }, name, cause, [after])
    : after;
  return builder.add({ kind: 'removeContainer', name }, name, cause, [stop]);
}

/** A created step for a container that is missing or was removed above; undefined when the present one stays. */
function planCreate(
  container: DesiredContainer,
  after: readonly (string | undefined)[],
  context: Context,
): string | undefined {
  const { name } = container;
  const found = context.byName.get(name);
  const removed = `removeContainer:${name}`;
  if (found && !context.builder.has(removed)) return undefined;
  const mounts = container.mounts.map((mount) =>
    mount.kind === 'volume' ? context.volumes.get(mount.volume) : undefined,
  );
  return context.builder.add({ kind: 'createContainer', container }, name, found ? 'recreated' : 'missing', [
    context.pulls.get(container.image),
    context.network,
    ...mounts,
    context.builder.has(removed) ? removed : undefined,
    ...after,
  ]);
}

function isRunning(container: DesiredContainer, context: Context): boolean {
  const found = context.byName.get(container.name);
  return found?.status === 'running' && !context.builder.has(`removeContainer:${container.name}`);
}

function planInfra(service: 'etcd' | 'nats', container: DesiredContainer, context: Context): string[] {
  if (isRunning(container, context)) return [];
  const created = planCreate(container, [], context);
  const started = context.builder.add(
    { kind: 'startContainer', name: container.name },
    container.name,
    created ? 'created' : 'stopped',
    [created, context.network],
  );
  return [
    context.builder.add(
      { kind: 'waitHealthy', service, name: container.name, jetStream: context.desired.servers.jetStream },
      service,
      'others depend on it',
      [started],
    ),
  ];
}

/** Servers that are not the project's own are asked before anything starts on them. */
function planShared({ desired, builder, ...context }: Context): string[] {
  if (desired.replicas.every((replica) => runsWhole(replica, { desired, builder, ...context }))) return [];
  if (desired.servers.registry !== undefined) return [];
  const services = desired.servers.nats ? (['etcd', 'nats'] as const) : (['etcd'] as const);
  return services.map((service) =>
    builder.add(
      { kind: 'waitHealthy', service, name: undefined, jetStream: desired.servers.jetStream },
      service,
      'others depend on it',
      [],
    ),
  );
}

/** Every container of the replica that goes on running does. */
function runsWhole(replica: DesiredReplica, context: Context): boolean {
  return replica.containers.every((container) => container.role === 'init' || isRunning(container, context));
}

/** What registers is waited for as soon as its probes pass. */
function planRegistered({ desired, builder }: Context): string[] {
  return desired.replicas.flatMap(({ id, facts }) => {
    if ((facts.instances ?? 0) === 0) return [];
    const ready = `waitReady:${id}`;
    return [
      builder.add({ kind: 'waitRegistered', replica: id }, id, 'a frontend finds it in etcd', [
        builder.has(ready) ? ready : undefined,
      ]),
    ];
  });
}

/** True where etcd goes on running: it still has what processes registered that are gone. */
function keepsEtcd({ desired, builder }: Context): boolean {
  const own = desired.infra.find(({ service }) => service === 'etcd');
  return own === undefined || !builder.has(`startContainer:${own.container.name}`);
}

/**
 * Steps of every replica, those that others start after first; returns what the graph's readiness waits for. Components that start
 * after each other in a circle wait for none of it.
 */
function planReplicas(
  healthy: readonly string[],
  removedBefore: ReadonlyMap<string, string>,
  context: Context,
): string[] {
  const readyOf = new Map<string, string[]>();
  const plan = (component: string): readonly string[] => {
    const known = readyOf.get(component);
    if (known) return known;
    const ready: string[] = [];
    readyOf.set(component, ready);
    const replicas = context.desired.replicas.filter((replica) => replica.component === component);
    const before = [...new Set(replicas.flatMap((replica) => replica.startAfter))].flatMap(plan);
    for (const replica of replicas) {
      const neighbour = `waitReady:${replica.startAfterReplica}`;
      const turn = context.builder.has(neighbour) ? [neighbour] : [];
      ready.push(...planReplica(replica, [...healthy, ...before, ...turn], removedBefore, context));
    }
    return ready;
  };
  for (const { component } of context.desired.replicas) plan(component);
  return [...readyOf.values()].flat();
}

/** Steps of one replica; returns what the graph's readiness waits for (nothing when the replica stays as it is). */
function planReplica(
  replica: DesiredReplica,
  healthy: readonly string[],
  removedBefore: ReadonlyMap<string, string>,
  context: Context,
): string[] {
  const { builder } = context;
  const sandbox = replica.containers.find((container) => container.role === 'sandbox');
  const sandboxRuns = sandbox !== undefined && isRunning(sandbox, context);
  const joined = replica.containers.filter((container) => container.role !== 'sandbox');
  // Who joined a sandbox that starts anew would keep the namespace of the old one.
  const mustRejoin = sandbox !== undefined && !sandboxRuns;
  if (runsWhole(replica, context)) {
    if (context.options.readyReplicas.has(replica.id)) return [];
    return [builder.add({ kind: 'waitReady', replica: replica.id }, replica.id, 'runs and is not ready yet', [])];
  }
  if (mustRejoin) {
    for (const container of joined) {
      const found = context.byName.get(container.name);
      if (found && !builder.has(`removeContainer:${container.name}`))
        planRemoval(found, 'its sandbox starts anew', builder);
    }
  }
  const gpusFree = replica.gpus.map((gpu) => removedBefore.get(gpu));
  let held: string | undefined;
  if (sandbox && !sandboxRuns) {
    const created = planCreate(sandbox, [], context);
    held = builder.add({ kind: 'startContainer', name: sandbox.name }, sandbox.name, created ? 'created' : 'stopped', [
      created,
      context.network,
    ]);
  }
  let before: readonly (string | undefined)[] = [held, ...healthy, ...gpusFree];
  const created = new Map(joined.map((container) => [container.name, planCreate(container, [held], context)]));
  if ((replica.facts.instances ?? 0) > 0 && keepsEtcd(context)) {
    const gone = replica.containers.map(({ name }) => `removeContainer:${name}`).filter((id) => builder.has(id));
    before = [
      ...before,
      builder.add({ kind: 'forgetRegistrations', replica: replica.id }, replica.id, 'etcd outlives it', [
        ...healthy,
        ...gone,
      ]),
    ];
  }
  const started: string[] = [];
  for (const container of joined) {
    const made = created.get(container.name);
    if (isRunning(container, context)) continue;
    const start = builder.add(
      { kind: 'startContainer', name: container.name },
      container.name,
      made ? 'created' : 'stopped',
      [made, ...before],
    );
    if (container.role === 'init') {
      before = [
        builder.add(
          { kind: 'waitCompleted', replica: replica.id, name: container.name },
          container.name,
          'init containers end first',
          [start],
        ),
      ];
    } else {
      started.push(start);
      if (container.holdsBack) before = [holdBack(container, replica, start, builder)];
    }
  }
  return [builder.add({ kind: 'waitReady', replica: replica.id }, replica.id, 'started', started)];
}

/** What comes after a native sidecar waits for it as a kubelet does (KEP-753): until it runs, and its startup probe passes. */
function holdBack(sidecar: DesiredContainer, replica: DesiredReplica, start: string, builder: PlanBuilder): string {
  if (sidecar.probes.startup === undefined) return start;
  const { name } = sidecar;
  return builder.add({ kind: 'waitStarted', replica: replica.id, name }, name, 'native sidecars start up first', [
    start,
  ]);
}

function planRestartPolicies(
  containers: readonly DesiredContainer[],
  ready: readonly string[],
  context: Context,
): void {
  const policy = context.options.detach ? 'unless-stopped' : 'no';
  for (const { name, role } of containers) {
    if (role === 'init') continue;
    const kept = context.byName.has(name) && !context.builder.has(`removeContainer:${name}`);
    const now = kept ? context.byName.get(name)?.restartPolicy : 'no';
    if (now === policy) continue;
    const cause = context.options.detach ? 'nobody watches it after this' : 'restarts are decided here while attached';
    const after = context.options.detach ? ready : [];
    context.builder.add({ kind: 'setRestartPolicy', name, policy }, name, cause, after);
  }
}
