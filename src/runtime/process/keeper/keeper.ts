import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { containerFolder } from '../../../model/process-paths.ts';
import type { RuntimeEvent } from '../../../model/runtime.ts';
import {
  type ContainerState,
  isOf,
  makePrivateFolder,
  readContainer,
  writeSpec,
  writeState,
  writeWhole,
} from '../container-state.ts';
import { projectFile } from '../marker.ts';
import { killMembers } from '../proc.ts';
import type { Request, RequestKind } from '../protocol.ts';
import { KeeperFault } from './keeper-fault.ts';
import { KeptContainer } from './kept-container.ts';

/** What one connection has asked to be told, and to live as long as. */
export interface Client {
  readonly send: (event: RuntimeEvent) => void;
  subscribed: boolean;
  holds: boolean;
}

type Handlers = { readonly [K in RequestKind]: (request: Request<K>, client: Client) => Promise<void> };

/** Exit code of what was killed because nobody kept it any more: the signal's own, as with a container. */
const KILLED = 137;

/** The containers of one project, and everything that may be asked of them. Requests for one container wait for each other. */
export class Keeper {
  readonly #folder: string;
  readonly #now: () => number;
  readonly #clients = new Set<Client>();
  readonly #containers = new Map<string, KeptContainer>();
  readonly #turns = new Map<string, Promise<void>>();
  /** The project is gone: there is nothing left to keep. */
  removed = false;

  constructor(folder: string, now: () => number) {
    this.#folder = folder;
    this.#now = now;
  }

  /** Takes over what is in the folder. What an earlier keeper left running is killed: nobody reads what it says any more. */
  async open(): Promise<void> {
    const names = await readdir(join(this.#folder, 'containers')).catch(() => []);
    await Promise.all(names.map((name) => this.#adopt(name)));
  }

  async #adopt(name: string): Promise<void> {
    const folder = containerFolder(this.#folder, name);
    const read = await readContainer(folder);
    // What was copied here from another project is that one's: its processes are not ours to end.
    if (read?.kind !== 'whole' || !isOf(read.spec, basename(this.#folder), name)) return;
    let { state } = read;
    if (state.status === 'running' || state.status === 'restarting') {
      const { pid, startTime } = state;
      await killMembers(folder, pid === undefined || startTime === undefined ? undefined : { pid, startTime });
      state = { ...state, status: 'exited', exitCode: KILLED, finishedAt: this.#now() };
      await writeState(folder, state);
    }
    this.#containers.set(name, this.#keep(folder, { ...read, state }));
  }

  #keep(folder: string, read: { readonly spec: KeptSpec; readonly state: ContainerState }): KeptContainer {
    return new KeptContainer({ folder, ...read, now: this.#now, emit: (event) => this.#tell(event) });
  }

  #tell(event: RuntimeEvent): void {
    for (const client of this.#clients) if (client.subscribed) client.send(event);
  }

  /** Something runs, or will again. */
  get isBusy(): boolean {
    return [...this.#containers.values()].some((container) => container.isUp) || this.#turns.size > 0;
  }

  get isEmpty(): boolean {
    return this.#containers.size === 0;
  }

  join(client: Client): void {
    this.#clients.add(client);
  }

  /** A connection is gone; where the project was to live no longer than it, everything without a restart policy stops. */
  async leave(client: Client): Promise<void> {
    this.#clients.delete(client);
    if (client.holds && ![...this.#clients].some((other) => other.holds)) {
      await this.#stopAll((container) => container.state.restartPolicy === 'no');
    }
  }

  /** The graph first, etcd and NATS after it. */
  async #stopAll(chosen: (container: KeptContainer) => boolean): Promise<void> {
    for (const infra of [false, true]) {
      const now = [...this.#containers].filter(
        ([, container]) => container.isInfra === infra && container.isUp && chosen(container),
      );
      await Promise.all(
        now.map(([name, container]) => this.#inTurn(name, () => container.stop(container.graceSeconds))),
      );
    }
  }

  /** Stops everything: the keeper was told to end. */
  async stopEverything(): Promise<void> {
    await this.#stopAll(() => true);
  }

  #inTurn(name: string, run: () => Promise<void>): Promise<void> {
    const before = this.#turns.get(name) ?? Promise.resolve();
    const turn = before.then(run, run);
    const settled = turn
      .catch(() => undefined)
      .finally(() => {
        if (this.#turns.get(name) === settled) this.#turns.delete(name);
      });
    this.#turns.set(name, settled);
    return turn;
  }

  answer(request: Request, client: Client): Promise<void> {
    return answerWith(this.#handlers, request, client);
  }

  readonly #handlers: Handlers = {
    makeProject: async ({ project }) => {
      await makePrivateFolder(this.#folder);
      await writeWhole(projectFile(this.#folder), { project });
      this.removed = false;
    },
    create: (request) => this.#inTurn(request.container.name, () => this.#create(request)),
    start: ({ name }) => this.#inTurn(name, () => this.#found(name).start()),
    // Not in turn: who waits for a slow stop must be able to kill.
    stop: async ({ name, graceSeconds }) => this.#containers.get(name)?.stop(graceSeconds),
    kill: async ({ name }) => this.#containers.get(name)?.kill(),
    remove: ({ name }) => this.#inTurn(name, () => this.#remove(name)),
    setRestartPolicy: ({ name, policy }) =>
      this.#inTurn(name, async () => this.#containers.get(name)?.setRestartPolicy(policy)),
    hold: async (_, client) => {
      client.holds = true;
    },
    release: async (_, client) => {
      client.holds = false;
    },
    subscribe: async (_, client) => {
      client.subscribed = true;
    },
    removeProject: async () => {
      await Promise.all([...this.#containers.keys()].map((name) => this.#inTurn(name, () => this.#remove(name))));
      for (const gone of ['containers', 'scratch'])
        await rm(join(this.#folder, gone), { recursive: true, force: true });
      await rm(projectFile(this.#folder), { force: true });
      this.removed = true;
    },
  };

  #found(name: string): KeptContainer {
    const container = this.#containers.get(name);
    if (container) return container;
    throw new KeeperFault('NOT_FOUND', `there is no ${name}`);
  }

  async #create({ container, base, files }: Request<'create'>): Promise<void> {
    const { name } = container;
    const there = this.#containers.get(name);
    if (there?.hash === container.hash) return;
    if (there) throw new KeeperFault('NAME_TAKEN', `there is already another ${name}`, 'dynamo down removes it');
    const folder = containerFolder(this.#folder, name);
    // Torn, or left by a run that was killed: nothing in it counts.
    await killMembers(folder);
    await rm(folder, { recursive: true, force: true });
    const fresh = join(dirname(folder), `.${basename(folder)}.new`);
    await rm(fresh, { recursive: true, force: true });
    await makePrivateFolder(fresh);
    for (const file of files) {
      const path = join(fresh, relative(folder, file.path));
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeFile(path, Buffer.from(file.base64, 'base64'), { mode: file.mode });
    }
    const state: ContainerState = { status: 'created', oomKilled: false, restartPolicy: 'no', restartCount: 0 };
    await writeSpec(fresh, { container, base });
    await writeState(fresh, state);
    await rename(fresh, folder);
    const kept = this.#keep(folder, { spec: { container, base }, state });
    this.#containers.set(name, kept);
    kept.tell('create');
  }

  async #remove(name: string): Promise<void> {
    const container = this.#containers.get(name);
    const folder = containerFolder(this.#folder, name);
    await container?.kill();
    container?.close();
    await killMembers(folder);
    await rm(folder, { recursive: true, force: true });
    this.#containers.delete(name);
    container?.tell('destroy');
  }
}

type KeptSpec = ConstructorParameters<typeof KeptContainer>[0]['spec'];

function answerWith<K extends RequestKind>(
  handlers: Handlers,
  request: { readonly kind: K } & Request<K>,
  client: Client,
): Promise<void> {
  return handlers[request.kind](request, client);
}
