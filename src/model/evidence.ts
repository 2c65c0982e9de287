/** What is known of one replica (or of etcd, NATS) when an `up` fails. */
export interface ReplicaEvidence {
  /** `decode-0`, `etcd` */
  readonly replica: string;
  readonly component: string;
  readonly infra: boolean;
  /** Its probes pass. */
  readonly ready: boolean;
  /** Set when its process has ended. */
  readonly ended:
    | { readonly exitCode: number; readonly oomKilled: boolean; readonly memoryLimited: boolean }
    | undefined;
  /** What its last probe got: `HTTP 503`. */
  readonly lastAnswer: string | undefined;
  /** The probe that is waited for, in words: `http :9090/health`. */
  readonly probe: string | undefined;
  /** What lacks of its registrations: `decode-1 has no lease`. */
  readonly missing: readonly string[];
  /** At most 20; empty where they cannot be read. */
  readonly lastLines: readonly string[];
}

/** How far the frontend has come with the model. */
export interface RoutingEvidence {
  readonly frontend: string;
  readonly listed: readonly string[];
  /** What the last request got: `HTTP 503: …`. */
  readonly lastAnswer: string | undefined;
  /** Set when no registration is in a namespace that the frontend watches. */
  readonly namespaces: { readonly watched: string; readonly registered: readonly string[] } | undefined;
}

/** Everything at hand when an `up` fails; what follows from it is decided in `diagnose/`. */
export interface Evidence {
  readonly replicas: readonly ReplicaEvidence[];
  /** Undefined until everything is registered, and where there is nothing to route. */
  readonly routing: RoutingEvidence | undefined;
}
