import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { basename } from 'node:path';
import { REPLICA_FOLDER } from '../../../model/process-paths.ts';
import type { RuntimeEvent } from '../../../model/runtime.ts';
import { parseLabels } from '../../parse-labels.ts';
import { type ContainerSpec, type ContainerState, writeState } from '../container-state.ts';
import { LogFile } from '../log-file.ts';
import { MemoryGroup } from '../memory-group.ts';
import { findMembers, killMembers, readStartTime, signalProcess } from '../proc.ts';
import { KeeperFault } from './keeper-fault.ts';

/** Docker's own: 100 ms, doubled up to a minute, anew after 10 s of life (moby restartmanager). */
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 60_000;
const SETTLED_MS = 10_000;
/** Milliseconds that a stream may stay open after its last process: nobody is left to write. */
const STREAMS_END_WITHIN_MS = 1000;

const SHELL = /^(?:ba|da|z)?sh$/;

export interface KeptContainerOptions {
  readonly folder: string;
  readonly spec: ContainerSpec;
  readonly state: ContainerState;
  readonly now: () => number;
  readonly emit: (event: RuntimeEvent) => void;
}

/** A first process that has ended. */
interface EndedLife {
  readonly child: ReturnType<typeof spawn>;
  /** Its streams have ended too. */
  readonly closed: Promise<void>;
  readonly first: { readonly pid: number; readonly startTime: string };
  readonly exitCode: number;
  readonly startedAt: number;
  readonly memory: MemoryGroup | undefined;
}

/** One container of a project: its process group, from start to end, with its log and its state file. */
export class KeptContainer {
  readonly #options: KeptContainerOptions;
  readonly #log: LogFile;
  #state: ContainerState;
  #life: { readonly first: { pid: number; startTime: string }; readonly ended: Promise<void> } | undefined;
  #asked = false;
  #restart: NodeJS.Timeout | undefined;
  #delayMs = FIRST_DELAY_MS;
  #saving: Promise<void> = Promise.resolve();

  constructor(options: KeptContainerOptions) {
    this.#options = options;
    this.#state = options.state;
    this.#log = new LogFile(options.folder, { now: options.now });
  }

  get hash(): string {
    return this.#options.spec.container.hash;
  }

  get state(): ContainerState {
    return this.#state;
  }

  /** Its processes run, or will again. */
  get isUp(): boolean {
    return this.#life !== undefined || this.#restart !== undefined;
  }

  get graceSeconds(): number {
    return this.#options.spec.container.graceSeconds;
  }

  get isInfra(): boolean {
    return this.#options.spec.container.role === 'infra';
  }

  async #save(change: Partial<ContainerState>): Promise<void> {
    this.#state = { ...this.#state, ...change };
    const state = this.#state;
    // In order: an older state must not be written over a newer one.
    this.#saving = this.#saving.then(() => writeState(this.#options.folder, state));
    await this.#saving;
  }

  tell(action: RuntimeEvent['action'], exitCode?: number): void {
    const { spec, emit, now } = this.#options;
    const labels = parseLabels(spec.container.labels);
    emit({
      action,
      name: spec.container.name,
      project: labels?.project ?? '',
      component: labels?.component ?? '',
      replica: labels?.replica ?? 0,
      time: now(),
      ...(exitCode === undefined ? {} : { exitCode }),
    });
  }

  /** Starts it; one that runs is fine. Throws START_FAILED in words. */
  async start(): Promise<void> {
    if (this.#life) return;
    clearTimeout(this.#restart);
    this.#restart = undefined;
    this.#asked = false;
    const { container, base } = this.#options.spec;
    const command = [...(container.entrypoint ?? []), ...(container.args ?? [])];
    const memory =
      container.memoryBytes === undefined
        ? undefined
        : MemoryGroup.make(`dynamo-${container.name}`, container.memoryBytes);
    const [program, ...args] = memory?.wrap(command) ?? command;
    if (program === undefined || command.length === 0)
      throw new KeeperFault('START_FAILED', `${container.name} has no command`);
    const cwd = container.workingDir ?? '/';
    if (!existsSync(cwd)) throw new KeeperFault('START_FAILED', `${container.name}: there is no directory ${cwd}`);
    const child = spawn(program, args, {
      // A session, and so a group, of its own: no terminal's signal reaches it.
      detached: true,
      cwd,
      env: {
        ...base,
        ...Object.fromEntries(container.env.map(({ name, value }) => [name, value])),
        [REPLICA_FOLDER]: this.#options.folder,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { pid } = child;
    const failed = new Promise<Error>((resolve) => child.once('error', resolve));
    if (pid === undefined) {
      const { message } = await failed;
      throw new KeeperFault('START_FAILED', `${container.name}: ${program} cannot be started: ${message}`);
    }
    // Nothing is awaited from the start of it to here: its end cannot have been missed.
    const first = { pid, startTime: readStartTime(pid), watched: true } as const;
    const startedAt = this.#options.now();
    this.#log.start();
    for (const stream of ['stdout', 'stderr'] as const) {
      const writer = this.#log.writer(stream);
      child[stream].on('data', writer.push);
      child[stream].on('end', writer.end);
    }
    const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
    const running = this.#save({ status: 'running', pid, startTime: first.startTime, startedAt }).then(() =>
      this.tell('start'),
    );
    const ended = new Promise<void>((resolve, reject) => {
      child.once('exit', (code, signal) => {
        const exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
        // Told in order, however short its life was.
        running.then(() => this.#finish({ child, closed, first, exitCode, startedAt, memory })).then(resolve, reject);
      });
    });
    this.#life = { first, ended };
    await running;
  }

  /** The first process has ended: what it left goes too, as with a container. */
  async #finish({ child, closed, first, exitCode, startedAt, memory }: EndedLife): Promise<void> {
    await killMembers(this.#options.folder, first);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, STREAMS_END_WITHIN_MS);
    });
    await Promise.race([closed, late]);
    clearTimeout(timer);
    child.stdout?.destroy();
    child.stderr?.destroy();
    this.#log.end(exitCode);
    this.#life = undefined;
    const oomKilled = (memory?.kills ?? 0) > 0;
    memory?.remove();
    const finishedAt = this.#options.now();
    const again = this.#state.restartPolicy === 'unless-stopped' && !this.#asked;
    await this.#save({ status: again ? 'restarting' : 'exited', exitCode, finishedAt, oomKilled });
    this.tell('die', exitCode);
    if (again) this.#restartSoon(finishedAt - startedAt);
  }

  #restartSoon(livedMs: number): void {
    this.#delayMs = livedMs > SETTLED_MS ? FIRST_DELAY_MS : Math.min(this.#delayMs * 2, LONGEST_DELAY_MS);
    this.#restart = setTimeout(() => {
      this.#restart = undefined;
      this.#save({ restartCount: this.#state.restartCount + 1 })
        .then(() => this.start())
        // Its program may be gone by now: it is what a restart would find again and again.
        .catch(() => this.#save({ status: 'exited' }));
    }, this.#delayMs);
  }

  async #forgetRestart(): Promise<void> {
    if (this.#restart === undefined) return;
    clearTimeout(this.#restart);
    this.#restart = undefined;
    await this.#save({ status: 'exited' });
  }

  /** SIGTERM, then SIGKILL after the grace period; resolves when nothing of it runs. */
  async stop(graceSeconds: number): Promise<void> {
    this.#asked = true;
    await this.#forgetRestart();
    const life = this.#life;
    if (!life) return;
    this.tell('kill');
    // A shell would keep the signal to itself; anything else is told alone and ends its children in its own way.
    const program = basename(this.#options.spec.container.entrypoint?.[0] ?? '');
    const members = SHELL.test(program) ? await findMembers(this.#options.folder, life.first) : [life.first];
    await Promise.all(members.map((member) => signalProcess(member, 'SIGTERM')));
    const timer = setTimeout(() => void killMembers(this.#options.folder, life.first), graceSeconds * 1000);
    await life.ended.finally(() => clearTimeout(timer));
    this.tell('stop');
  }

  async kill(): Promise<void> {
    this.#asked = true;
    await this.#forgetRestart();
    const life = this.#life;
    if (!life) return;
    this.tell('kill');
    await killMembers(this.#options.folder, life.first);
    await life.ended;
  }

  async setRestartPolicy(policy: ContainerState['restartPolicy']): Promise<void> {
    await this.#save({ restartPolicy: policy });
  }

  /** Nothing of it runs; its files are closed. */
  close(): void {
    this.#log.close();
  }
}
