/** Labels on everything this program makes in an engine: the only state there is (DESIGN: state lives in what the runtime keeps). */
export const LABEL = {
  project: 'dynamo.project',
  graph: 'dynamo.graph',
  component: 'dynamo.component',
  /** The operator's component type. */
  type: 'dynamo.type',
  /** Replica index, from 0. */
  replica: 'dynamo.replica',
  /** What the container is in its replica: a ContainerRole. */
  role: 'dynamo.role',
  /** Container name within the pod (`main`, a sidecar's name). */
  container: 'dynamo.container',
  /** Hash of the desired spec: decides recreation. */
  hash: 'dynamo.hash',
  /** Comma-separated UUIDs of the GPUs held. */
  gpus: 'dynamo.gpus',
  /** JSON of model/probe.ts Probes, for `ps` and `restart`, which have no source file. */
  probes: 'dynamo.probes',
  /** JSON of what only later commands need: grace period, reach, runtime version, frontend port. */
  facts: 'dynamo.facts',
  /** On a volume: `true` marks an emptyDir. */
  scratch: 'dynamo.scratch',
  /** Where the graph came from, as the user named it. */
  source: 'dynamo.source',
} as const;

/** The label filter of one project, or of all projects: the one membership predicate that every listing uses. */
export function membershipFilter(project: string | undefined): string {
  return project === undefined ? LABEL.project : `${LABEL.project}=${project}`;
}
