import { waitForInfra } from '../infra/check-health.ts';
import type { InfraEndpoints } from '../infra/parse-endpoints.ts';
import { untilAborted } from '../infra/until-aborted.ts';
import type { Clock } from '../model/clock.ts';
import { EXIT, UserError } from '../model/diagnostic.ts';
import type { Emit } from '../model/event.ts';
import type { ObservedContainer } from '../model/observed-state.ts';
import type { Plan } from '../model/plan.ts';
import type { Runtime } from '../model/runtime.ts';
import { tryConnect } from '../probes/tcp-socket.ts';
import type { ContainerEvents } from './container-events.ts';
import type { WaitExecutors } from './execute-operation.ts';
import type { MonitoredReplica } from './monitored-replica.ts';
import { resolvePort } from './probe-target.ts';
import { ReplicaWatch, readLastLines } from './replica-watch.ts';
import { tailLogs } from './tail-logs.ts';
import { waitRoutable } from './wait-routable.ts';

export interface ProjectRunOptions {
  readonly project: string;
  readonly runtime: Runtime;
  readonly events: ContainerEvents;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly isNoise: (line: string) => boolean;
  readonly showLogs: boolean;
  readonly restartsBeforeReady: number;
  readonly replicas: readonly MonitoredReplica[];
  /** Replica id (or `etcd`, `nats`) by container name. */
  readonly names: ReadonlyMap<string, string>;
  /** The container that publishes, and the container port, by replica id of a frontend. */
  readonly frontends: ReadonlyMap<string, { readonly container: string; readonly port: number }>;
  /** Servers that are not the project's own. */
  readonly shared: InfraEndpoints | undefined;
  /** Milliseconds that a listed model is left alone. */
  readonly settleMs: number;
}

const INFRA_PORT = { etcd: 2379, nats: 4222 } as const;
const INFRA_TIMEOUT_MS = 60_000;
const PORT_TIMEOUT_MS = 500;

/** Everything that goes on while a project comes up and is stayed with: logs, probes, restarts, and the waits of its plan. */
export class ProjectRun {
  readonly #options: ProjectRunOptions;
  readonly #watches: ReadonlyMap<string, ReplicaWatch>;
  readonly #restarting = new AbortController();
  readonly #failed: Promise<never>;
  #fail: (error: unknown) => void = () => undefined;
  /** Names of the containers that were started here. */
  readonly started = new Set<string>();
  /** What the frontend listed when it was found routable. */
  models: readonly string[] = [];

  constructor(options: ProjectRunOptions) {
    this.#options = options;
    this.#watches = new Map(options.replicas.map((replica) => [replica.id, new ReplicaWatch(replica, options)]));
    this.#failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.#failed.catch(() => undefined);
  }

  replicaOf(name: string): string | undefined {
    return this.#options.names.get(name);
  }

  /** What is not ready yet, in words. */
  describeMissing(): string {
    const missing = [...this.#watches.values()].map((watch) => watch.describe());
    return missing.length > 0 ? missing.join('; ') : 'etcd or NATS';
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

  /** Called as a container is started: its lines are shown from the first one on. */
  onStart(name: string, started: Promise<void>, signal: AbortSignal): void {
    this.started.add(name);
    const source = this.replicaOf(name);
    if (!this.#options.showLogs || source === undefined) return;
    this.#tail({ name, source, started, attachedAt: undefined }, signal);
  }

  #tail(tail: Parameters<typeof tailLogs>[0], signal: AbortSignal): void {
    tailLogs(tail, this.#options, signal).catch((error: unknown) => {
      // A container that never started has no lines; whoever started it reports why.
      if (!signal.aborted && this.started.has(tail.name)) {
        const message = error instanceof Error ? error.message : String(error);
        this.#options.emit({
          type: 'notice',
          diagnostic: { severity: 'warning', code: 'LOGS_LOST', message: `${tail.source}: ${message}` },
        });
      }
    });
  }

  /** Stays with containers that ran before and that the plan leaves alone; `briefly` (detached) shows no lines of theirs. */
  attachRunning(observed: readonly ObservedContainer[], plan: Plan, signal: AbortSignal, briefly: boolean): void {
    const touched = new Set(plan.steps.map((step) => step.id));
    const kept = observed.filter(({ name, status }) => status === 'running' && !touched.has(`startContainer:${name}`));
    const names = new Set(kept.map((container) => container.name));
    for (const { name } of briefly || !this.#options.showLogs ? [] : kept) {
      const source = this.replicaOf(name);
      if (source !== undefined)
        this.#tail({ name, source, started: Promise.resolve(), attachedAt: this.#options.clock.now() }, signal);
    }
    for (const watch of this.#watches.values()) {
      const whole = watch.replica.containers.every((container) => names.has(container.name));
      if (whole && !briefly) this.#watch(watch, signal);
    }
  }

  #watch(watch: ReplicaWatch, signal: AbortSignal): void {
    const restarting = AbortSignal.any([signal, this.#restarting.signal]);
    watch.run(restarting).catch((error: unknown) => {
      if (!restarting.aborted) this.#fail(error);
    });
  }

  /** The waits of a plan. `signal` is that of the whole stay: watching goes on when a wait has ended. */
  waits(signal: AbortSignal): WaitExecutors {
    return {
      waitHealthy: ({ service, name }, waiting) => this.#waitHealthy(service, name, waiting),
      waitCompleted: ({ replica, name }, waiting) => this.#waitCompleted(replica, name, waiting),
      waitReady: ({ replica }, waiting) => this.#waitReady(replica, signal, waiting),
      waitRoutable: ({ frontend }, waiting) => this.#waitRoutable(frontend, waiting),
    };
  }

  async #waitHealthy(service: 'etcd' | 'nats', name: string | undefined, signal: AbortSignal): Promise<void> {
    const { runtime, clock, shared, events, emit } = this.#options;
    const container = name === undefined ? undefined : await runtime.inspect(name, signal);
    const place = container ? resolvePort(container, INFRA_PORT[service]) : shared?.[service];
    if (!place) throw await this.#infraDied(service, name, container, signal);
    const died = new AbortController();
    const stop =
      name === undefined ? () => undefined : events.listen(name, (event) => event.action === 'die' && died.abort());
    try {
      await waitForInfra(
        {
          place: { service, host: place.host, port: place.port },
          clock,
          portOpens: async (at, waiting) => (await tryConnect(at, PORT_TIMEOUT_MS, waiting)).ok,
          timeoutMs: INFRA_TIMEOUT_MS,
        },
        AbortSignal.any([signal, died.signal]),
      );
    } catch (error) {
      if (signal.aborted || !died.signal.aborted) throw error;
      throw await this.#infraDied(
        service,
        name,
        name === undefined ? undefined : await runtime.inspect(name, signal),
        signal,
      );
    } finally {
      stop();
    }
    emit({ type: 'replica-stage', replica: service, stage: 'ready' });
  }

  async #infraDied(
    service: string,
    name: string | undefined,
    container: ObservedContainer | undefined,
    signal: AbortSignal,
  ): Promise<UserError> {
    const details = name === undefined ? '' : await readLastLines(this.#options.runtime, name, signal);
    return new UserError('CONTAINER_DIED', `${service} ended with exit code ${container?.exitCode ?? 'unknown'}`, {
      exitCode: EXIT.startFailed,
      details,
      hint: `dynamo logs ${service} shows all it said`,
    });
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
    throw new UserError(
      'INIT_FAILED',
      `${replica}: its init container ${name} ended with exit code ${ended?.exitCode ?? 'unknown'}`,
      {
        exitCode: EXIT.startFailed,
        details: await readLastLines(runtime, name, signal),
      },
    );
  }

  async #waitReady(replica: string, stay: AbortSignal, signal: AbortSignal): Promise<void> {
    const watch = this.#watches.get(replica);
    if (!watch) throw new Error(`nobody watches ${replica}`);
    this.#watch(watch, stay);
    await untilAborted(watch.ready, signal);
  }

  async #waitRoutable(frontend: string, signal: AbortSignal): Promise<void> {
    const url = await this.frontendUrl(signal, frontend, 'probe');
    if (url === undefined) throw new UserError('NOT_READY', `${frontend} has no address`, { exitCode: EXIT.notReady });
    const { clock, settleMs, emit } = this.#options;
    // A replica that ends for good while we ask is the error to show.
    const failing = Promise.all([...this.#watches.values()].map((watch) => watch.ready));
    this.models = await Promise.race([
      waitRoutable({ url, clock, settleMs }, signal),
      failing.then(() => new Promise<never>(() => undefined)),
    ]);
    for (const id of this.#watches.keys()) emit({ type: 'replica-stage', replica: id, stage: 'routable' });
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

  /** Stays until the signal is aborted (rejects with its reason) or something fails for good. */
  async untilFailure(signal: AbortSignal): Promise<never> {
    return untilAborted(this.#failed, signal);
  }
}
