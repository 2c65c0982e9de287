/** What one try of a probe gave; `answer` is a few words for people: `HTTP 503`, `connection refused`. */
export interface ProbeAnswer {
  readonly ok: boolean;
  readonly answer: string;
  /** The try could not be made at all (the engine did not run the command): a kubelet throws such a result away, and so it never counts. */
  readonly void?: true;
}

/** How a probe reaches a container: DESIGN decision 3. */
export interface ProbeTarget {
  /** Address and port for a container port; undefined when the port is not reachable from here. */
  readonly resolve: (containerPort: number) => { readonly host: string; readonly port: number } | undefined;
  /** A command inside the container, with the replica's environment. */
  readonly exec: (
    command: readonly string[],
    signal: AbortSignal,
  ) => Promise<{ readonly exitCode: number; readonly output: string }>;
}
