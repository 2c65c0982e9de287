/** What one Dynamo runtime version needs and does; the data stands in `operator/runtime-facts.ts`, by version range. */
export interface RuntimeFacts {
  /** `MAJOR.MINOR.PATCH` */
  readonly version: string;
  /** Processes end at start without a NATS server, whatever planes are chosen by default. */
  readonly needsNats: boolean;
  /** Each endpoint is a service of NATS, and takes its requests there. */
  readonly natsServices: boolean;
  /** Processes end at start when NATS is without JetStream. */
  readonly needsJetStream: boolean;
  /** The worker namespace is read from `DYNAMO_NAMESPACE` by some engines. */
  readonly readsLegacyNamespace: boolean;
  /** Home of the image's user, below which the Hugging Face cache stands. */
  readonly home: string;
  /** User id that the image runs as. */
  readonly user: number;
  /** How the mocker is told its role: `--disaggregation-mode M`, or `--is-prefill-worker` and `--is-decode-worker`. */
  readonly mockerRoleFlags: 'mode' | 'is-worker';
  /** A prefill mocker registers under the decode worker's component unless `--endpoint` names another. */
  readonly mockerNeedsEndpoint: boolean;
  /** Milliseconds to leave a listed model alone before the first request (0.9 workers are poisoned by an early one). */
  readonly settleMs: number;
}

/** Why this version was assumed for a component: said as a notice. */
export interface RuntimeVersion {
  readonly version: string;
  readonly why: string;
}
