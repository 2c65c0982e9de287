import { sendRequest } from '../http/send-request.ts';
import { waitForInfra } from '../infra/check-health.ts';
import type { InfraEndpoints } from '../infra/parse-endpoints.ts';
import { untilAborted } from '../infra/until-aborted.ts';
import type { Clock } from '../model/clock.ts';
import { EXIT, UserError } from '../model/diagnostic.ts';
import type { Emit } from '../model/event.ts';
import type { Runtime } from '../model/runtime.ts';
import { tryConnect } from '../probes/tcp-socket.ts';
import { BACKOFF_RESET_MS, restartDelayMs } from './backoff.ts';
import type { ContainerEvents } from './container-events.ts';
import { resolvePort } from './probe-target.ts';
import type { ServerPlace } from './registry.ts';
import { untilStartedAgain, watchEnd } from './watch-end.ts';

type Service = 'etcd' | 'nats';

export interface ServerWatchOptions {
  readonly runtime: Runtime;
  readonly events: ContainerEvents;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Servers that are not the project's own. */
  readonly shared: InfraEndpoints | undefined;
}

const PORT = { etcd: 2379, nats: 4222 } as const;
const HEALTHY_WITHIN_MS = 60_000;
const PORT_TIMEOUT_MS = 500;
const HEALTH_TIMEOUT_MS = 2000;

/** etcd and NATS of a project: until the graph is up their end is an error, after it they are restarted as a kubelet would. */
export class ServerWatch {
  readonly #options: ServerWatchOptions;
  readonly #watched = new Set<string>();
  readonly #down = new Set<Service>();
  #settled = false;
  #fail: (error: unknown) => void = () => undefined;
  /** Rejects when a server ends before the graph is up. */
  readonly died: Promise<never>;
  onEtcd: (place: ServerPlace) => void = () => undefined;

  constructor(options: ServerWatchOptions) {
    this.#options = options;
    this.died = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.died.catch(() => undefined);
  }

  /** From now on a server that ends is restarted. */
  settle(): void {
    this.#settled = true;
  }

  /** Servers that have ended and are not back: what ends meanwhile ends because of them. */
  get down(): readonly Service[] {
    return [...this.#down];
  }

  /** Watches the container of a server from its start on, or from now on where it runs, until the signal is aborted. */
  watch(service: Service, name: string, signal: AbortSignal): void {
    if (this.#watched.has(name)) return;
    this.#watched.add(name);
    this.#watchLives(service, name, signal).catch((error: unknown) => {
      if (!signal.aborted) this.#fail(error);
    });
  }

  async #watchLives(service: Service, name: string, signal: AbortSignal): Promise<never> {
    const { emit, clock, runtime } = this.#options;
    let ending = watchEnd(name, this.#options, signal);
    let startedAt = clock.now();
    for (let restarts = 0; ; ) {
      const { exitCode, asked } = await ending;
      this.#down.add(service);
      ending = watchEnd(name, this.#options, signal);
      ending.catch(() => undefined);
      emit({ type: 'container-died', replica: service, exitCode, oomKilled: false });
      if (!this.#settled) throw diedError(service, exitCode);
      if (asked) {
        await untilStartedAgain({ name, replica: service }, this.#options, signal);
      } else {
        restarts = clock.now() - startedAt > BACKOFF_RESET_MS ? 1 : restarts + 1;
        const delayMs = restartDelayMs(restarts);
        const reason = `ended with exit code ${exitCode}`;
        emit({ type: 'replica-restarting', replica: service, reason, delayMs, count: restarts });
        await clock.sleep(delayMs, signal);
        await runtime.startContainer(name, signal);
        startedAt = clock.now();
      }
      await this.waitHealthy({ service, name, jetStream: false }, signal).catch((error: unknown) => {
        // It ended again: that is the next ending.
        if (signal.aborted || !(error instanceof UserError && error.code === 'CONTAINER_DIED')) throw error;
      });
    }
  }

  /** Where a server is reached from here; undefined while its container does not run. */
  async place(service: Service, name: string | undefined, signal: AbortSignal): Promise<ServerPlace | undefined> {
    if (name === undefined) return this.#options.shared?.[service];
    const container = await this.#options.runtime.inspect(name, signal);
    return container?.status === 'running' ? resolvePort(container, PORT[service]) : undefined;
  }

  /** Waits until the server answers a real request. CONTAINER_DIED (exit 4) when its container ends instead. */
  async waitHealthy(
    server: { readonly service: Service; readonly name: string | undefined; readonly jetStream: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, events, emit, runtime } = this.#options;
    const { service, name } = server;
    const died = new AbortController();
    const stop =
      name === undefined ? () => undefined : events.listen(name, (event) => event.action === 'die' && died.abort());
    try {
      const place = await this.place(service, name, signal);
      if (!place) throw diedError(service, (name && (await runtime.inspect(name, signal))?.exitCode) || -1);
      await untilAborted(
        waitForInfra(
          {
            place: { service, host: place.host, port: place.port },
            jetStream: server.jetStream,
            clock,
            portOpens: async (at, waiting) => (await tryConnect(at, PORT_TIMEOUT_MS, waiting)).ok,
            // What the project started itself answers without TLS or a login.
            ...(name === undefined ? {} : { askEtcd }),
            timeoutMs: HEALTHY_WITHIN_MS,
          },
          AbortSignal.any([signal, died.signal]),
        ),
        signal,
      );
      if (service === 'etcd') this.onEtcd({ host: place.host, port: place.port });
    } catch (error) {
      if (signal.aborted || !died.signal.aborted || name === undefined) throw error;
      throw diedError(service, (await runtime.inspect(name, signal))?.exitCode ?? -1);
    } finally {
      stop();
    }
    this.#down.delete(service);
    emit({ type: 'replica-stage', replica: service, stage: 'ready' });
  }
}

/** etcd answers this with a read that needs a leader (etcd server/etcdserver/api/etcdhttp checkHealth). Throws what it said instead. */
async function askEtcd({ host, port }: ServerPlace, signal: AbortSignal): Promise<void> {
  const at = host.includes(':') ? `[${host}]` : host;
  const result = await sendRequest({ url: `http://${at}:${port}/health`, timeoutMs: HEALTH_TIMEOUT_MS }, signal);
  if (result.kind === 'failure') throw new Error(result.text);
  if (result.status !== 200) throw new Error(`HTTP ${result.status} ${result.body}`);
}

function diedError(service: Service, exitCode: number): UserError {
  return new UserError('CONTAINER_DIED', `${service} ended with exit code ${exitCode}`, {
    exitCode: EXIT.startFailed,
    replica: service,
  });
}
