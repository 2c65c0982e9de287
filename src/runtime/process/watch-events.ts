import { projectFolder } from '../../model/process-paths.ts';
import type { RuntimeEvent } from '../../model/runtime.ts';
import type { KeeperConnection } from './keeper-connection.ts';
import { listProjects } from './list-projects.ts';
import type { Place } from './observe.ts';

/** Milliseconds after which keepers that have come meanwhile are heard too, where all projects are listened to. */
const LOOK_MS = 500;

/** Events of a project, or of every project that has a keeper; `ready` resolves once none can be missed. An abort ends the stream. */
export function watchEvents(
  place: Place,
  project: string | undefined,
  signal: AbortSignal,
): { readonly ready: Promise<void>; readonly stream: AsyncIterable<RuntimeEvent> } {
  const queue = new EventQueue(signal);
  const ready = project === undefined ? listenToAll(place, queue, signal) : listenTo(place, project, queue, signal);
  // Who reads the stream sees the error; `ready` may go unused.
  ready.catch((error: unknown) => queue.fail(error));
  return { ready, stream: queue };
}

async function listenTo(place: Place, project: string, queue: EventQueue, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const keeper = await place.keepers.get(projectFolder(place.root, project), signal);
  await subscribe(keeper, project, queue, signal);
  const lost = () =>
    keeper
      .ask({ kind: 'subscribe', project }, new AbortController().signal)
      .catch((error: unknown) => queue.fail(error));
  keeper.closed.then(lost, () => undefined);
}

async function subscribe(
  keeper: KeeperConnection,
  project: string,
  queue: EventQueue,
  signal: AbortSignal,
): Promise<void> {
  const stop = keeper.listen((event) => queue.push(event));
  signal.addEventListener('abort', stop, { once: true });
  await keeper.ask({ kind: 'subscribe', project }, signal);
}

async function listenToAll(place: Place, queue: EventQueue, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const heard = new Set<KeeperConnection>();
  const look = async () => {
    for (const project of await listProjects(place.root)) {
      const keeper = await place.keepers.find(projectFolder(place.root, project));
      if (!keeper || heard.has(keeper)) continue;
      heard.add(keeper);
      await subscribe(keeper, project, queue, signal);
    }
  };
  await look();
  const timer = setInterval(() => void look().catch(() => undefined), LOOK_MS);
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}

/** Events in their order until the signal is aborted, or until it fails. */
class EventQueue implements AsyncIterable<RuntimeEvent> {
  readonly #signal: AbortSignal;
  readonly #events: RuntimeEvent[] = [];
  #failure: { readonly error: unknown } | undefined;
  #wake: () => void = () => undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#wake(), { once: true });
  }

  push(event: RuntimeEvent): void {
    this.#events.push(event);
    this.#wake();
  }

  fail(error: unknown): void {
    this.#failure = { error };
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<RuntimeEvent> {
    // A timer keeps the process: who listens waits.
    const alive = setInterval(() => undefined, 2 ** 30);
    try {
      for (;;) {
        if (this.#signal.aborted) return;
        const next = this.#events.shift();
        if (next) yield next;
        else if (this.#failure) throw this.#failure.error;
        else
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
      }
    } finally {
      clearInterval(alive);
    }
  }
}
