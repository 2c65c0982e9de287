import { removeFileRegistrations } from '../infra/file-registrations.ts';
import { matchRegistrations } from '../infra/match-registrations.ts';
import type { RegisteredInstance, Registration } from '../infra/parse-registration.ts';
import { readNatsInstances } from '../infra/read-nats-instances.ts';
import { revokeLeases } from '../infra/revoke-leases.ts';
import { untilAborted } from '../infra/until-aborted.ts';
import type { Clock } from '../model/clock.ts';
import type { Emit } from '../model/event.ts';
import type { Runtime } from '../model/runtime.ts';
import type { MonitoredReplica } from './monitored-replica.ts';
import { Registry, type RegistryPlace, type ServerPlace } from './registry.ts';

export interface LadderOptions {
  readonly project: string;
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Those that put instances into etcd are expected to. */
  readonly replicas: readonly MonitoredReplica[];
  /** Beginnings of the namespaces that are the project's; empty: all, where etcd is its own. */
  readonly namespaces: readonly string[];
  readonly isReady: (replica: string) => boolean;
  /** Where NATS is; undefined while it does not run. */
  readonly nats: (signal: AbortSignal) => Promise<ServerPlace | undefined>;
  /** Instances of the replica came: a sign of progress. */
  readonly onProgress: (replica: string) => void;
}

/** Milliseconds until NATS is asked for its services again. */
const ASK_NATS_MS = 100;

/** The rung between probes and the frontend's list: which replicas have registered all their instances. */
export class RegistrationLadder {
  readonly #options: LadderOptions;
  readonly #expected: readonly MonitoredReplica[];
  readonly #registry: Registry;
  readonly #addresses = new Map<string, string>();
  readonly #ids = new Map<string, readonly string[]>();
  readonly #unserved = new Set<string>();
  readonly #registered = new Set<string>();
  readonly #said = new Map<string, string>();
  readonly #revoked = new Set<string>();
  readonly #waiting = new Set<() => void>();
  #strays: readonly RegisteredInstance[] = [];

  constructor(options: LadderOptions) {
    this.#options = options;
    this.#expected = options.replicas.filter((replica) => replica.instances > 0);
    this.#registry = new Registry({
      clock: options.clock,
      namespace: commonPrefix(options.namespaces),
      onChange: () => this.update(),
    });
  }

  /** Those of the project; on shared servers others stand beside them. */
  get registrations(): readonly Registration[] {
    const { namespaces } = this.#options;
    if (namespaces.length === 0) return this.#registry.registrations;
    return this.#registry.registrations.filter((entry) => namespaces.some((name) => entry.namespace.startsWith(name)));
  }

  /** True where some replica is expected to register. */
  get isNeeded(): boolean {
    return this.#expected.length > 0;
  }

  /** Begins to watch etcd, or goes on where it has moved to. */
  open(place: RegistryPlace, signal: AbortSignal): void {
    if (this.isNeeded) this.#registry.open(place, signal);
  }

  /** A life of the replica began, at this address. */
  setAddress(replica: string, address: string | undefined): void {
    if (address === undefined) this.#addresses.delete(replica);
    else this.#addresses.set(replica, address);
    this.update();
  }

  /** Compares what is registered with what is expected, and tells what has changed. */
  update(): void {
    const { byReplica, strays } = matchRegistrations(
      this.registrations,
      this.#expected.map((replica) => ({ ...replica, address: this.#addresses.get(replica.id) })),
    );
    this.#strays = strays;
    for (const { id, instances } of this.#expected) {
      const ids = byReplica.get(id) ?? [];
      const count = ids.length;
      const before = this.#count(id);
      this.#ids.set(id, ids);
      if (count > before) this.#options.onProgress(id);
      const registered = count >= instances && this.#options.isReady(id);
      if (registered && !this.#registered.has(id)) {
        this.#registered.add(id);
        this.#options.emit({ type: 'replica-stage', replica: id, stage: 'registered' });
      }
      if (!registered) this.#registered.delete(id);
    }
    this.#tellCounts();
    for (const wake of [...this.#waiting]) wake();
  }

  #count(replica: string): number {
    return this.#ids.get(replica)?.length ?? 0;
  }

  #tellCounts(): void {
    for (const component of new Set(this.#expected.map((replica) => replica.component))) {
      const members = this.#expected.filter((replica) => replica.component === component);
      const registered = members.reduce((sum, { id }) => sum + this.#count(id), 0);
      const expected = members.reduce((sum, { instances }) => sum + instances, 0);
      const missing = members.flatMap(({ id }) => this.missing(id));
      const text = `${registered}/${expected} ${missing.join()}`;
      if (this.#said.get(component) === text || (registered === 0 && !this.#said.has(component))) continue;
      this.#said.set(component, text);
      this.#options.emit({ type: 'registrations', component, registered, expected, missing });
    }
  }

  /** What lacks of a replica's registrations, in words. */
  missing(replica: string): readonly string[] {
    const expected = this.#expected.find(({ id }) => id === replica);
    if (this.#unserved.has(replica)) return [`${replica} is no service of NATS`];
    const count = this.#count(replica);
    if (!expected || count >= expected.instances) return [];
    return [count === 0 ? `${replica} has no lease` : `${replica}: ${count} of ${expected.instances} processes`];
  }

  /** `decode: 1 of 2 registered; decode-1 has no lease`, of each component that lacks some. */
  describeMissing(): readonly string[] {
    return [...new Set(this.#expected.map((replica) => replica.component))].flatMap((component) => {
      const members = this.#expected.filter((replica) => replica.component === component);
      const missing = members.flatMap(({ id }) => this.missing(id));
      if (missing.length === 0) return [];
      const here = members.length - missing.length;
      return [`${component}: ${here} of ${members.length} registered; ${missing.join(', ')}`];
    });
  }

  /**
   * Resolves when the replica is ready and all its instances are in etcd, and no instance of an earlier life is left that cannot be told
   * from a new one: those are waited out, which takes a lease's time, and is said. Where instances are services of NATS, it has them too.
   */
  async waitRegistered(replica: string, place: RegistryPlace, stay: AbortSignal, signal: AbortSignal): Promise<void> {
    this.open(place, stay);
    await this.#registry.opened(signal);
    let told = false;
    for (;;) {
      signal.throwIfAborted();
      const nameless = this.#strays.filter((stray) => stray.host === undefined);
      if (this.#registered.has(replica)) {
        if (nameless.length === 0) return this.#waitServed(replica, signal);
        if (!told) this.#tellStale(nameless.length, 'they go when their leases end');
        told = true;
      }
      await this.#changed(signal);
    }
  }

  /** NATS tells of its services only when it is asked. */
  async #waitServed(replica: string, signal: AbortSignal): Promise<void> {
    if (!this.#expected.some(({ id, natsServices }) => id === replica && natsServices)) return;
    for (;;) {
      const place = await this.#options.nats(signal);
      const served = place ? await readNatsInstances(place, signal).catch(() => undefined) : undefined;
      signal.throwIfAborted();
      if ((this.#ids.get(replica) ?? []).every((id) => served?.has(id))) break;
      this.#unserved.add(replica);
      await this.#options.clock.sleep(ASK_NATS_MS, signal);
    }
    this.#unserved.delete(replica);
  }

  #changed(signal: AbortSignal): Promise<void> {
    let wake = (): void => undefined;
    const change = new Promise<void>((resolve) => {
      wake = resolve;
    });
    this.#waiting.add(wake);
    return untilAborted(change, signal).finally(() => this.#waiting.delete(wake));
  }

  /**
   * Before a replica starts anew: wipes what processes that are gone have left in etcd, since a frontend would go on sending them
   * requests until their leases end (10 s, from 1.6 on 30 s). Those are instances at an address that no running container of the project
   * has; without an address, all of them when no worker runs.
   */
  async forgetGone(place: RegistryPlace, stay: AbortSignal, signal: AbortSignal): Promise<void> {
    const { project, runtime } = this.#options;
    this.open(place, stay);
    await this.#registry.opened(signal);
    const instances = this.registrations.filter((entry) => entry.kind === 'instance');
    if (instances.length === 0) return;
    // After the read: whoever registered in between is none of these.
    const { containers } = await runtime.observe(project, [], signal);
    const running = containers.filter((container) => container.status === 'running' && container.role !== 'infra');
    const addresses = new Set(running.map((container) => container.address));
    const workerRuns = running.some((container) => (container.facts.instances ?? 0) > 0);
    const gone = instances.filter(({ host }) => (host === undefined ? !workerRuns : !addresses.has(host)));
    const ids = [...new Set(gone.map(({ instance }) => instance))].filter((id) => !this.#revoked.has(id));
    if (ids.length === 0) return;
    for (const id of ids) this.#revoked.add(id);
    this.#tellStale(ids.length, 'they are removed');
    await ('folder' in place ? removeFileRegistrations(place.folder, ids) : revokeLeases(place, ids, signal));
  }

  #tellStale(count: number, what: string): void {
    const message = `there ${count === 1 ? 'is' : 'are'} ${count} registration${count === 1 ? '' : 's'} of processes that are gone: ${what}`;
    this.#options.emit({
      type: 'notice',
      diagnostic: { severity: 'notice', code: 'STALE_REGISTRATIONS', message },
    });
  }
}

function commonPrefix(texts: readonly string[]): string {
  return texts.reduce((common, text) => {
    let end = 0;
    while (end < common.length && common[end] === text[end]) end += 1;
    return common.slice(0, end);
  }, texts[0] ?? '');
}
