import { watchFileRegistrations } from '../infra/file-registrations.ts';
import type { Registration } from '../infra/parse-registration.ts';
import { untilAborted } from '../infra/until-aborted.ts';
import { watchRegistrations } from '../infra/watch-registrations.ts';
import type { Clock } from '../model/clock.ts';

export interface ServerPlace {
  readonly host: string;
  readonly port: number;
}

/** Where processes register: an etcd, or a folder. */
export type RegistryPlace = ServerPlace | { readonly folder: string };

/** What is registered in the etcd (or the folder) of a project, brought up to date by a watch that begins with `open`. */
export class Registry {
  readonly #clock: Clock;
  /** Only namespaces that begin with this are the project's. */
  readonly #namespace: string;
  readonly #onChange: () => void;
  readonly #first: Promise<void>;
  #resolveFirst: () => void = () => undefined;
  #rejectFirst: (error: unknown) => void = () => undefined;
  #opened = false;
  /** Empty until the first read. */
  registrations: readonly Registration[] = [];

  constructor(options: { readonly clock: Clock; readonly namespace: string; readonly onChange: () => void }) {
    this.#clock = options.clock;
    this.#namespace = options.namespace;
    this.#onChange = options.onChange;
    this.#first = new Promise((resolve, reject) => {
      this.#resolveFirst = resolve;
      this.#rejectFirst = reject;
    });
    this.#first.catch(() => undefined);
  }

  /** Begins to watch, once; goes on until `signal` is aborted, through every restart of etcd at the same place. */
  open(place: RegistryPlace, signal: AbortSignal): void {
    if (this.#opened) return;
    this.#opened = true;
    this.#watch(place, signal).catch((error: unknown) => this.#rejectFirst(error));
  }

  /** Resolves when what stood in etcd at the beginning is known. */
  opened(signal: AbortSignal): Promise<void> {
    return untilAborted(this.#first, signal);
  }

  async #watch(place: RegistryPlace, signal: AbortSignal): Promise<void> {
    const clock = this.#clock;
    const changes =
      'folder' in place
        ? watchFileRegistrations({ folder: place.folder, clock }, signal)
        : watchRegistrations({ etcd: place, namespace: this.#namespace, clock }, signal);
    for await (const registrations of changes) {
      this.registrations = registrations;
      this.#resolveFirst();
      this.#onChange();
    }
  }
}
