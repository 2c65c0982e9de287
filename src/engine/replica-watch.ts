import type { Clock } from '../model/clock.ts';
import { EXIT, UserError } from '../model/diagnostic.ts';
import type { Emit } from '../model/event.ts';
import type { Runtime } from '../model/runtime.ts';
import { BACKOFF_RESET_MS, restartDelayMs } from './backoff.ts';
import type { ContainerEvents } from './container-events.ts';
import { type LifeEnd, watchLife } from './container-monitor.ts';
import type { MonitoredContainer, MonitoredReplica } from './monitored-replica.ts';
import { untilStartedAgain } from './watch-end.ts';

export interface ReplicaWatchOptions {
  readonly runtime: Runtime;
  readonly events: ContainerEvents;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Ends before the first readiness that a restart makes good instead of failing (`--restarts`). */
  readonly restartsBeforeReady: number;
  /** A life of its main container began, at this address. */
  readonly onLife: (replica: string, address: string | undefined) => void;
  /** It became ready, or ceased to be. */
  readonly onReady: (replica: string) => void;
  /** What else has ended and explains an end: `etcd has ended`. */
  readonly blame: () => string | undefined;
}

/**
 * One replica from its start on. Before its first readiness an end is an error; after it containers are restarted as a kubelet
 * restarts them, for as long as `run` goes on.
 */
export class ReplicaWatch {
  readonly replica: MonitoredReplica;
  readonly #options: ReplicaWatchOptions;
  readonly #ready = new Map<string, boolean>();
  readonly #lastAnswer = new Map<string, string>();
  readonly #hurries = new Map<string, () => void>();
  #everReady = false;
  #started = false;
  #resolveReady: () => void = () => undefined;
  #rejectReady: (error: unknown) => void = () => undefined;
  readonly ready: Promise<void>;

  constructor(replica: MonitoredReplica, options: ReplicaWatchOptions) {
    this.replica = replica;
    this.#options = options;
    this.ready = new Promise((resolve, reject) => {
      this.#resolveReady = resolve;
      this.#rejectReady = reject;
    });
    this.ready.catch(() => undefined);
    for (const container of replica.containers) this.#ready.set(container.name, false);
  }

  /** False until it was ready for the first time: it has nothing to finish when it is stopped. */
  get everReady(): boolean {
    return this.#everReady;
  }

  get isReady(): boolean {
    return [...this.#ready.values()].every((ready) => ready);
  }

  /** A sign of progress: probes that are waited for are tried at once. */
  hurry(): void {
    for (const hurry of this.#hurries.values()) hurry();
  }

  /** The first of its containers whose probes do not pass. */
  get waitingFor(): MonitoredContainer | undefined {
    return this.replica.containers.find((container) => !this.#ready.get(container.name));
  }

  /** What a container's last probe got: `HTTP 503`. */
  lastAnswer(container: string): string | undefined {
    return this.#lastAnswer.get(container);
  }

  /** What is missing until it is ready, in words: `decode-0: HTTP 503`. */
  describe(): string {
    const waiting = this.replica.containers.filter((container) => !this.#ready.get(container.name));
    const answers = waiting
      .map((container) => this.#lastAnswer.get(container.name))
      .filter((answer) => answer !== undefined);
    if (answers.length > 0) return `${this.replica.id}: ${answers.join(', ')}`;
    return `${this.replica.id}${this.#started ? ': its probes have had no answer yet' : ' has not started'}`;
  }

  /** Watches every container until the signal is aborted; call once, after they were started. Rejects when what was ready ends for good. */
  async run(signal: AbortSignal): Promise<void> {
    this.#started = true;
    this.#options.emit({ type: 'replica-stage', replica: this.replica.id, stage: 'started' });
    await Promise.all(
      this.replica.containers.map((container) =>
        this.#watchContainer(container, signal).catch((error: unknown) => {
          if (signal.aborted) return;
          this.#rejectReady(error);
          if (this.#everReady) throw error;
        }),
      ),
    );
  }

  async #watchContainer(container: MonitoredContainer, signal: AbortSignal): Promise<void> {
    const { clock, runtime, emit } = this.#options;
    let restarts = 0;
    for (;;) {
      const startedAt = clock.now();
      const end = await watchLife(
        container,
        {
          ...this.#options,
          onReady: (ready, answer) => this.#setReady(container.name, ready, answer),
          onAnswer: (answer) => this.#lastAnswer.set(container.name, answer.answer),
          onLife: (address, hurry) => {
            this.#hurries.set(container.name, hurry);
            this.#options.onLife(this.replica.id, address);
          },
        },
        signal,
      );
      this.#setReady(container.name, false, describeEnd(end));
      if (end.kind === 'stopped') {
        if (!this.#everReady) throw this.#endError(end);
        const detail = 'stopped by somebody else: not restarted until they start it';
        emit({ type: 'replica-stage', replica: this.replica.id, stage: 'stopped', detail });
        await untilStartedAgain({ name: container.name, replica: this.replica.id }, this.#options, signal);
        emit({ type: 'replica-stage', replica: this.replica.id, stage: 'started' });
        continue;
      }
      if (end.kind === 'exited') {
        emit({ type: 'container-died', replica: this.replica.id, exitCode: end.exitCode, oomKilled: end.oomKilled });
      }
      if (clock.now() - startedAt > BACKOFF_RESET_MS) restarts = 0;
      restarts += 1;
      if (!this.#everReady && restarts > this.#options.restartsBeforeReady) throw this.#endError(end);
      const delayMs = restartDelayMs(restarts);
      emit({
        type: 'replica-restarting',
        replica: this.replica.id,
        reason: [describeEnd(end), this.#options.blame()].filter((text) => text !== undefined).join('; '),
        delayMs,
        count: restarts,
      });
      emit({ type: 'replica-stage', replica: this.replica.id, stage: 'restarting' });
      if (end.kind === 'probe-failed') await runtime.stopContainer(container.name, container.graceSeconds, signal);
      await clock.sleep(delayMs, signal);
      await runtime.startContainer(container.name, signal);
      emit({ type: 'replica-stage', replica: this.replica.id, stage: 'started' });
    }
  }

  #setReady(name: string, ready: boolean, answer: string): void {
    const before = this.isReady;
    this.#ready.set(name, ready);
    const now = this.isReady;
    if (now === before) return;
    if (now) {
      this.#everReady = true;
      this.#options.emit({ type: 'replica-stage', replica: this.replica.id, stage: 'ready' });
      this.#resolveReady();
    } else {
      this.#options.emit({
        type: 'replica-stage',
        replica: this.replica.id,
        stage: 'started',
        detail: `no longer ready: ${answer}`,
      });
    }
    this.#options.onReady(this.replica.id);
  }

  #endError(end: LifeEnd): UserError {
    const { id } = this.replica;
    if (end.kind === 'probe-failed') {
      const message = `${id}: its ${end.probe} probe failed: ${end.answer}`;
      return new UserError('NOT_READY', message, { exitCode: EXIT.notReady, replica: id });
    }
    if (end.kind === 'stopped') {
      const message = `${id} was stopped by somebody else before it was ready`;
      return new UserError('CONTAINER_DIED', message, { exitCode: EXIT.startFailed, replica: id });
    }
    const memory = end.oomKilled ? ': it ran out of memory' : '';
    const message = `${id} ended with exit code ${end.exitCode} before it was ready${memory}`;
    return new UserError('CONTAINER_DIED', message, { exitCode: EXIT.startFailed, replica: id });
  }
}

function describeEnd(end: LifeEnd): string {
  if (end.kind === 'probe-failed') return `${end.probe} probe failed: ${end.answer}`;
  if (end.kind === 'stopped') return 'stopped by somebody else';
  return `ended with exit code ${end.exitCode}${end.oomKilled ? ', out of memory' : ''}`;
}
