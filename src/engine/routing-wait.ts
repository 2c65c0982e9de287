import type { Registration } from '../infra/parse-registration.ts';
import type { Clock } from '../model/clock.ts';
import { EXIT, UserError } from '../model/diagnostic.ts';
import type { Emit } from '../model/event.ts';
import type { RoutingEvidence } from '../model/evidence.ts';
import type { ReplicaFacts } from '../model/observed-state.ts';
import { waitRoutable } from './wait-routable.ts';

export interface RoutingWaitOptions {
  readonly clock: Clock;
  readonly emit: Emit;
  readonly settleMs: number;
  readonly frontends: ReadonlyMap<string, { readonly facts: ReplicaFacts | undefined }>;
  readonly registrations: () => readonly Registration[];
}

/** A frontend that watches another namespace lists nothing, ever; this long it may still be reading etcd. */
const MISMATCH_AFTER_MS = 5000;

/** The last rungs: the frontend lists the model, and requests for it succeed. Remembers how far it came. */
export class RoutingWait {
  readonly #options: RoutingWaitOptions;
  #frontend: string | undefined;
  #listed: readonly string[] = [];
  #lastAnswer: string | undefined;
  models: readonly string[] = [];

  constructor(options: RoutingWaitOptions) {
    this.#options = options;
  }

  /** Resolves when requests succeed; `replicas` are those that then are routable. NOT_READY when that can never be. */
  async wait(
    target: { readonly frontend: string; readonly url: string; readonly replicas: readonly string[] },
    signal: AbortSignal,
  ): Promise<void> {
    const { emit } = this.#options;
    this.#frontend = target.frontend;
    const over = new AbortController();
    const routable = waitRoutable(
      {
        ...this.#options,
        url: target.url,
        onListed: (models) => {
          this.#listed = models;
          for (const replica of target.replicas) emit({ type: 'replica-stage', replica, stage: 'listed' });
        },
        onAnswer: (answer) => {
          this.#lastAnswer = answer;
        },
      },
      AbortSignal.any([signal, over.signal]),
    );
    routable.catch(() => undefined);
    try {
      this.models = await Promise.race([routable, this.#neverListed(AbortSignal.any([signal, over.signal]))]);
    } finally {
      over.abort();
    }
    for (const replica of target.replicas) emit({ type: 'replica-stage', replica, stage: 'routable' });
  }

  /** Rejects when the frontend watches a namespace in which nothing is, and so lists nothing. */
  async #neverListed(signal: AbortSignal): Promise<never> {
    await this.#options.clock.sleep(MISMATCH_AFTER_MS, signal);
    if (this.#listed.length === 0 && this.#mismatch() !== undefined)
      throw new UserError('NOT_READY', `${this.#frontend} watches another namespace than its workers are in`, {
        exitCode: EXIT.notReady,
        replica: this.#frontend ?? '',
      });
    return new Promise(() => undefined);
  }

  #mismatch(): RoutingEvidence['namespaces'] {
    const facts = this.#options.frontends.get(this.#frontend ?? '')?.facts;
    const watched = facts?.namespacePrefix ?? facts?.namespace;
    const registered = [
      ...new Set(this.#options.registrations().flatMap((entry) => (entry.kind === 'model' ? [entry.namespace] : []))),
    ];
    if (watched === undefined || registered.length === 0) return undefined;
    return registered.some((namespace) => namespace.startsWith(watched)) ? undefined : { watched, registered };
  }

  evidence(): RoutingEvidence | undefined {
    if (this.#frontend === undefined) return undefined;
    return {
      frontend: this.#frontend,
      listed: this.#listed,
      lastAnswer: this.#lastAnswer,
      namespaces: this.#listed.length === 0 ? this.#mismatch() : undefined,
    };
  }

  /** What it still waits for, in words; undefined before it has begun. */
  describe(): string | undefined {
    if (this.#frontend === undefined) return undefined;
    if (this.#listed.length === 0) return `${this.#frontend} lists no model`;
    return `${this.#frontend} lists ${this.#listed.join(', ')}: ${this.#lastAnswer ?? 'no request sent yet'}`;
  }
}
