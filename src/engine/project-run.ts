import type { InfraEndpoints } from '../infra/parse-endpoints.ts';
import { untilAborted } from '../infra/until-aborted.ts';
import type { Clock } from '../model/clock.ts';
import { EXIT, UserError } from '../model/diagnostic.ts';
import type { Emit } from '../model/event.ts';
import type { Evidence } from '../model/evidence.ts';
import type { ObservedContainer, ReplicaFacts } from '../model/observed-state.ts';
import type { Plan } from '../model/plan.ts';
import type { Runtime } from '../model/runtime.ts';
import { collectEvidence } from './collect-evidence.ts';
import type { ContainerEvents } from './container-events.ts';
import type { WaitExecutors } from './execute-operation.ts';
import type { MonitoredReplica } from './monitored-replica.ts';
import { resolvePort } from './probe-target.ts';
import { RegistrationLadder } from './registration-ladder.ts';
import type { RegistryPlace } from './registry.ts';
import { ReplicaWatch } from './replica-watch.ts';
import { RoutingWait } from './routing-wait.ts';
import { ServerWatch } from './server-watch.ts';
import { tailLogs } from './tail-logs.ts';
import { listModels } from './wait-routable.ts';
import { waitStartedUp } from './wait-started-up.ts';

/** The container of a frontend that publishes its port, and what its label tells of it. */
export interface RunFrontend {
  readonly container: string;
  readonly port: number;
  readonly facts: ReplicaFacts | undefined;
}

export interface ProjectRunOptions {
  readonly project: string;
  readonly runtime: Runtime;
  readonly events: ContainerEvents;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly isNoise: (line: string) => boolean;
  readonly showLogs: boolean;
  /** Every line of a container that is ours to watch, shown or not. */
  readonly onLine: (replica: string, line: string) => void;
  readonly restartsBeforeReady: number;
  readonly replicas: readonly MonitoredReplica[];
  /** Replica id (or `etcd`, `nats`) by container name. */
  readonly names: ReadonlyMap<string, string>;
  /** By replica id. */
  readonly frontends: ReadonlyMap<string, RunFrontend>;
  /** Servers that are not the project's own. */
  readonly shared: InfraEndpoints | undefined;
  /** Where processes register that have no etcd. */
  readonly registry?: string | undefined;
  /** Beginnings of the Dynamo namespaces that are the project's; empty: all, where etcd is its own. */
  readonly namespaces: readonly string[];
  /** Milliseconds that a listed model is left alone. */
  readonly settleMs: number;
}

/** Everything that goes on while a project comes up and is stayed with: logs, probes, registrations, restarts, and the waits of its plan. */
export class ProjectRun {
  readonly #options: ProjectRunOptions;
  readonly #watches: ReadonlyMap<string, ReplicaWatch>;
  readonly #servers: ServerWatch;
  readonly #ladder: RegistrationLadder;
  readonly #routing: RoutingWait;
  readonly #healthy = new Set<string>();
  readonly #watching = new Set<ReplicaWatch>();
  /** Where each frontend was last found, by replica id. */
  readonly #urls = new Map<string, string>();
  readonly #restarting = new AbortController();
  readonly #failed: Promise<never>;
  #fail: (error: unknown) => void = () => undefined;
  /** Names of the containers that were started here. */
  readonly started = new Set<string>();

  constructor(options: ProjectRunOptions) {
    this.#options = options;
    this.#servers = new ServerWatch(options);
    this.#ladder = new RegistrationLadder({
      ...options,
      isReady: (replica) => this.#watches.get(replica)?.isReady ?? false,
      nats: (signal) => this.#servers.place('nats', this.#serverName('nats'), signal),
      onProgress: (replica) => this.#hurry(replica),
    });
    this.#routing = new RoutingWait({ ...options, registrations: () => this.#ladder.registrations });
    const watching = {
      ...options,
      onLife: (replica: string, address: string | undefined) => this.#ladder.setAddress(replica, address),
      onReady: (replica: string) => {
        this.#ladder.update();
        void this.#tellNewUrl(replica);
      },
      blame: () => {
        const { down } = this.#servers;
        return down.length > 0 ? `${down.join(' and ')} had ended` : undefined;
      },
    };
    this.#watches = new Map(options.replicas.map((replica) => [replica.id, new ReplicaWatch(replica, watching)]));
    this.#failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.#failed.catch(() => undefined);
    this.#servers.died.catch((error: unknown) => this.#fail(error));
  }

  replicaOf(name: string): string | undefined {
    return this.#options.names.get(name);
  }

  /** What the frontend listed when it was found routable; asked now where nobody waited for that. */
  async models(url: string | undefined, signal: AbortSignal): Promise<readonly string[]> {
    const found = this.#routing.models;
    return found.length > 0 || url === undefined ? found : listModels(url, signal);
  }

  /** An engine gives a container that starts again another free port where it was to choose one. */
  async #tellNewUrl(replica: string): Promise<void> {
    if (!this.#options.frontends.has(replica) || !this.#watches.get(replica)?.isReady) return;
    // Where it cannot be looked at any more, whoever watches it says so.
    const url = await this.frontendUrl(this.#restarting.signal, replica).catch(() => undefined);
    if (url === undefined) return;
    const before = this.#urls.get(replica);
    this.#urls.set(replica, url);
    if (before === undefined || before === url) return;
    const message = `${replica} answers at ${url} now, and no longer at ${before}`;
    this.#options.emit({ type: 'notice', diagnostic: { severity: 'notice', code: 'URL_CHANGED', message } });
  }

  /** A registration is a sign of progress for the replica and for every frontend. */
  #hurry(replica: string): void {
    this.#watches.get(replica)?.hurry();
    for (const frontend of this.#options.frontends.keys()) this.#watches.get(frontend)?.hurry();
  }

  /** What the lowest rung still lacks, in words. */
  describeMissing(): string {
    const unready = [...this.#watches.values()].filter((watch) => !watch.isReady).map((watch) => watch.describe());
    if (unready.length > 0) return unready.join('; ');
    const unregistered = this.#ladder.describeMissing();
    if (unregistered.length > 0) return unregistered.join('; ');
    return this.#routing.describe() ?? 'etcd or NATS';
  }

  /** What tells why it failed; read before anything is stopped. */
  evidence(signal: AbortSignal): Promise<Evidence> {
    return collectEvidence(
      {
        ...this.#options,
        watches: [...this.#watches.values()],
        servers: [...this.#serverNames()].map(([service, name]) => ({
          service,
          name,
          answers: this.#healthy.has(service) || !this.started.has(name),
        })),
        ladder: this.#ladder,
        routing: this.#routing.evidence(),
      },
      signal,
    );
  }

  *#serverNames(): Generator<readonly ['etcd' | 'nats', string]> {
    for (const [name, id] of this.#options.names) if (id === 'etcd' || id === 'nats') yield [id, name];
  }

  #serverName(service: 'etcd' | 'nats'): string | undefined {
    return [...this.#serverNames()].find(([id]) => id === service)?.[1];
  }

  /** Containers of replicas that were never ready. */
  unservingContainers(): ReadonlySet<string> {
    const unserving = [...this.#watches.values()].filter((watch) => !watch.everReady);
    return new Set(unserving.flatMap((watch) => watch.replica.containers.map((container) => container.name)));
  }

  /** From now on nothing is restarted any more: what ends, ends. */
  stopRestarting(): void {
    this.#restarting.abort();
  }

  /** Called as a container is started: its lines are read from the first one on. */
  onStart(name: string, started: Promise<void>, signal: AbortSignal): void {
    this.started.add(name);
    const source = this.replicaOf(name);
    if (source === undefined) return;
    this.#tail({ name, source, started, attachedAt: undefined }, signal);
    this.#watchServer(source, name, signal);
  }

  #watchServer(source: string, name: string, signal: AbortSignal): void {
    if (source !== 'etcd' && source !== 'nats') return;
    this.#servers.watch(source, name, AbortSignal.any([signal, this.#restarting.signal]));
  }

  #tail(tail: Parameters<typeof tailLogs>[0], signal: AbortSignal): void {
    let runs = false;
    tail.started.then(
      () => {
        runs = true;
      },
      () => undefined,
    );
    tailLogs(tail, this.#options, signal).catch((error: unknown) => {
      // A container that never started has no lines; whoever started it reports why.
      if (!signal.aborted && runs) {
        const message = error instanceof Error ? error.message : String(error);
        this.#options.emit({
          type: 'notice',
          diagnostic: { severity: 'warning', code: 'LOGS_LOST', message: `${tail.source}: ${message}` },
        });
      }
    });
  }

  /** Stays with containers that ran before and that the plan leaves alone; `briefly` (detached) reads no lines of theirs. */
  attachRunning(observed: readonly ObservedContainer[], plan: Plan, signal: AbortSignal, briefly: boolean): void {
    const steps = new Set(plan.steps.map((step) => step.id));
    const kept = observed.filter(
      ({ name, status }) =>
        status === 'running' && !steps.has(`startContainer:${name}`) && !steps.has(`removeContainer:${name}`),
    );
    const names = new Set(kept.map((container) => container.name));
    for (const { name } of kept) {
      const source = this.replicaOf(name);
      if (source === undefined) continue;
      this.#watchServer(source, name, signal);
      if (!briefly)
        this.#tail({ name, source, started: Promise.resolve(), attachedAt: this.#options.clock.now() }, signal);
    }
    for (const watch of this.#watches.values()) {
      const whole = watch.replica.containers.every((container) => names.has(container.name));
      // Where registrations are waited for, somebody must know that it is ready.
      const counted = steps.has(`waitRegistered:${watch.replica.id}`) && !steps.has(`waitReady:${watch.replica.id}`);
      if (whole && (!briefly || counted)) this.#watch(watch, signal);
    }
  }

  #watch(watch: ReplicaWatch, signal: AbortSignal): void {
    if (this.#watching.has(watch)) return;
    this.#watching.add(watch);
    const restarting = AbortSignal.any([signal, this.#restarting.signal]);
    watch.run(restarting).catch((error: unknown) => {
      if (!restarting.aborted) this.#fail(error);
    });
  }

  /** The waits of a plan. `stay` is the signal of the whole stay: watching goes on when a wait has ended. */
  waits(stay: AbortSignal): WaitExecutors {
    this.#servers.onEtcd = (place) => this.#ladder.open(place, stay);
    return {
      waitHealthy: async (server, signal) => {
        await this.#orServerDied(this.#servers.waitHealthy(server, signal));
        this.#healthy.add(server.service);
      },
      waitCompleted: ({ replica, name }, signal) => this.#waitCompleted(replica, name, signal),
      waitStarted: ({ replica, name }, signal) => this.#waitStarted(replica, name, signal),
      waitReady: ({ replica }, signal) => this.#waitReady(replica, stay, signal),
      forgetRegistrations: async (_, signal) => this.#ladder.forgetGone(await this.#etcd(signal), stay, signal),
      waitRegistered: async ({ replica }, signal) => {
        const waiting = this.#ladder.waitRegistered(replica, await this.#etcd(signal), stay, signal);
        await this.#orServerDied(Promise.race([waiting, this.#endOf(replica)]));
      },
      waitRoutable: async ({ frontend }, signal) => {
        const url = await this.frontendUrl(signal, frontend, 'probe');
        if (url === undefined)
          throw new UserError('NOT_READY', `${frontend} has no address`, {
            exitCode: EXIT.notReady,
            replica: frontend,
          });
        const all = [...this.#watches.keys()];
        await this.#orServerDied(
          Promise.race([
            this.#routing.wait({ frontend, url, replicas: all }, signal),
            ...all.map((id) => this.#endOf(id)),
          ]),
        );
      },
    };
  }

  #orServerDied<T>(waiting: Promise<T>): Promise<T> {
    return Promise.race([waiting, this.#servers.died]);
  }

  /** Never resolves; rejects when the replica ends for good. */
  #endOf(replica: string): Promise<never> {
    const ready = this.#watches.get(replica)?.ready ?? Promise.resolve();
    return ready.then(() => new Promise<never>(() => undefined));
  }

  async #etcd(signal: AbortSignal): Promise<RegistryPlace> {
    const { registry } = this.#options;
    if (registry !== undefined) return { folder: registry };
    const place = await this.#servers.place('etcd', this.#serverName('etcd'), signal);
    if (place) return place;
    throw new UserError('CONTAINER_DIED', 'etcd does not run', { exitCode: EXIT.startFailed, replica: 'etcd' });
  }

  async #waitCompleted(replica: string, name: string, signal: AbortSignal): Promise<void> {
    const { runtime, events } = this.#options;
    let stop = (): void => undefined;
    const died = new Promise<void>((resolve, reject) => {
      stop = events.listen(name, (event) => event.action === 'die' && resolve());
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    died.catch(() => undefined);
    try {
      if ((await runtime.inspect(name, signal))?.status === 'running') await died;
    } finally {
      stop();
    }
    const ended = await runtime.inspect(name, signal);
    if (ended?.exitCode === 0) return;
    const message = `${replica}: its init container ${name} ended with exit code ${ended?.exitCode ?? 'unknown'}`;
    throw new UserError('INIT_FAILED', message, { exitCode: EXIT.startFailed, replica });
  }

  /** The replica is watched as a whole once all of it has started; until then only this probe counts. */
  async #waitStarted(replica: string, name: string, signal: AbortSignal): Promise<void> {
    const container = this.#watches.get(replica)?.replica.containers.find((one) => one.name === name);
    if (!container?.probes.startup) return;
    await waitStartedUp(
      replica,
      { ...container, probes: { startup: container.probes.startup } },
      this.#options,
      signal,
    );
  }

  async #waitReady(replica: string, stay: AbortSignal, signal: AbortSignal): Promise<void> {
    const watch = this.#watches.get(replica);
    if (!watch) throw new Error(`nobody watches ${replica}`);
    this.#watch(watch, stay);
    await this.#orServerDied(untilAborted(watch.ready, signal));
  }

  /** The address of a frontend: as people reach it, or as we do; undefined when it publishes nothing. */
  async frontendUrl(
    signal: AbortSignal,
    replica?: string,
    purpose: 'people' | 'probe' = 'people',
  ): Promise<string | undefined> {
    const first =
      replica === undefined ? [...this.#options.frontends.values()][0] : this.#options.frontends.get(replica);
    if (!first) return undefined;
    const container = await this.#options.runtime.inspect(first.container, signal);
    if (!container) return undefined;
    const published = container.published.find((port) => port.containerPort === first.port);
    const place =
      purpose === 'people' && published
        ? { host: published.hostAddress === '0.0.0.0' ? '127.0.0.1' : published.hostAddress, port: published.hostPort }
        : resolvePort(container, first.port);
    return place ? `http://${place.host}:${place.port}` : undefined;
  }

  /** The graph is up: stays until the signal is aborted (rejects with its reason) or something fails for good. */
  async untilFailure(signal: AbortSignal): Promise<never> {
    this.#servers.settle();
    return untilAborted(this.#failed, signal);
  }
}
