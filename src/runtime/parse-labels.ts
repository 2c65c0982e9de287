import type { ContainerRole } from '../model/desired-state.ts';
import { LABEL } from '../model/labels.ts';
import type { ObservedContainer, ReplicaFacts, WorkerRole } from '../model/observed-state.ts';
import type { Probes } from '../model/probe.ts';

const ROLES: readonly ContainerRole[] = ['main', 'sidecar', 'init', 'sandbox', 'infra'];

/** True for the roles of containers that a graph consists of; what only serves (a volume's owner is set through one) is none of them. */
export function isKnownRole(role: string | undefined): role is ContainerRole {
  return ROLES.some((known) => known === role);
}

/** A label that somebody changed reads as if it were not there. */
function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** The label is written by this program alone (plan/build-replica.ts): its shape is trusted once it is an object. */
function isProbes(value: unknown): value is Probes {
  return isObject(value) && Object.values(value).every((probe) => isObject(probe) && isObject(probe.handler));
}

const WORKER_ROLES: readonly unknown[] = ['aggregated', 'prefill', 'decode', 'encode'] satisfies WorkerRole[];

function isWorkerRole(value: unknown): value is WorkerRole {
  return WORKER_ROLES.includes(value);
}

function parseFacts(text: string | undefined): ReplicaFacts {
  const value = parseJson(text);
  const facts = isObject(value) ? value : {};
  return {
    graceSeconds: typeof facts.graceSeconds === 'number' ? facts.graceSeconds : 10,
    reach: facts.reach === 'published' ? 'published' : 'direct',
    runtimeVersion: typeof facts.runtimeVersion === 'string' ? facts.runtimeVersion : '',
    ...(typeof facts.frontendPort === 'number' ? { frontendPort: facts.frontendPort } : {}),
    ...(typeof facts.routerMode === 'string' ? { routerMode: facts.routerMode } : {}),
    ...(isWorkerRole(facts.workerRole) ? { workerRole: facts.workerRole } : {}),
    ...(typeof facts.systemPort === 'number' ? { systemPort: facts.systemPort } : {}),
    ...(typeof facts.instances === 'number' ? { instances: facts.instances } : {}),
    ...(facts.natsServices === true ? { natsServices: true } : {}),
    ...(typeof facts.namespace === 'string' ? { namespace: facts.namespace } : {}),
    ...(typeof facts.registry === 'string' ? { registry: facts.registry } : {}),
    ...(typeof facts.namespacePrefix === 'string' ? { namespacePrefix: facts.namespacePrefix } : {}),
  };
}

/** A replica index; a torn label reads as 0. */
export function parseReplica(text: string | undefined): number {
  const index = Number.parseInt(text ?? '', 10);
  return Number.isNaN(index) ? 0 : Math.max(0, index);
}

/** UUIDs of the label `dynamo.gpus`. */
export function parseGpus(text: string | undefined): string[] {
  return (text ?? '').split(',').filter((uuid) => uuid !== '');
}

/** What labels tell of a container, whichever runtime keeps them. */
export type LabelledContainer = Pick<
  ObservedContainer,
  | 'project'
  | 'graph'
  | 'source'
  | 'component'
  | 'type'
  | 'replica'
  | 'role'
  | 'container'
  | 'hash'
  | 'gpus'
  | 'probes'
  | 'facts'
>;

/**
 * Labels as the rest of the program sees them; they are read here and nowhere else. Undefined for what is not ours: it has no project or
 * no role, and nothing here may touch it. A role of another version of this program reads as a sidecar of no component, which a plan
 * removes as an orphan.
 */
export function parseLabels(labels: Readonly<Record<string, string>>): LabelledContainer | undefined {
  const { [LABEL.project]: project, [LABEL.role]: role } = labels;
  if (!project || !role) return undefined;
  const probes = parseJson(labels[LABEL.probes]);
  return {
    project,
    graph: labels[LABEL.graph] ?? '',
    source: labels[LABEL.source] ?? '',
    component: labels[LABEL.component] ?? '',
    type: labels[LABEL.type] ?? '',
    replica: parseReplica(labels[LABEL.replica]),
    role: isKnownRole(role) ? role : 'sidecar',
    container: labels[LABEL.container] ?? 'main',
    hash: labels[LABEL.hash] ?? '',
    gpus: parseGpus(labels[LABEL.gpus]),
    probes: isProbes(probes) ? probes : {},
    facts: parseFacts(labels[LABEL.facts]),
  };
}
