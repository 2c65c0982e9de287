import type { Runtime, RuntimeEvent } from '../model/runtime.ts';

type Listener = (event: RuntimeEvent) => void;

/** The project's events, handed to whoever asked for a container, from the moment `open` has resolved. */
export class ContainerEvents {
  readonly #listeners = new Map<string, Set<Listener>>();
  #lose: (error: unknown) => void = () => undefined;
  /** Rejects when no more events can come, and nobody asked for that. */
  readonly lost = new Promise<never>((_, reject) => {
    this.#lose = reject;
  });

  constructor() {
    this.lost.catch(() => undefined);
  }

  /** Resolves when no event can be missed any more; reading goes on until the signal is aborted. */
  async open(runtime: Runtime, project: string, signal: AbortSignal): Promise<void> {
    const { ready, stream } = runtime.events(project, signal);
    const reading = this.#read(stream);
    reading.catch((error: unknown) => this.#lose(error));
    await Promise.race([ready, reading]);
  }

  async #read(stream: AsyncIterable<RuntimeEvent>): Promise<void> {
    for await (const event of stream) for (const listener of this.#listeners.get(event.name) ?? []) listener(event);
  }

  /** Calls back for every event of the container until the returned function is called. */
  listen(name: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    listeners.add(listener);
    this.#listeners.set(name, listeners);
    return () => listeners.delete(listener);
  }
}
