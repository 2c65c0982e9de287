import type { DesiredContainer, DesiredState } from '../model/desired-state.ts';
import type { Json } from '../model/node.ts';
import type { AppliedDeviation } from './deviations.ts';

const HIDDEN = '(secret)';

/** Hides the values of a container's secrets, which `$(NAME)` may have put anywhere. */
function hiderOf(container: DesiredContainer): (text: string) => string {
  const values = container.env.flatMap(({ secret, value }) => (secret && value !== '' ? [value] : []));
  return (text) => values.reduce((hidden, value) => hidden.replaceAll(value, HIDDEN), text);
}

function describeContainer(container: DesiredContainer): { [key: string]: Json } {
  const hide = hiderOf(container);
  const env = container.env.map(({ name, value, secret }) => [name, secret ? HIDDEN : hide(value)] as const);
  return {
    name: container.name,
    image: container.image,
    ...(container.entrypoint ? { command: container.entrypoint.map(hide) } : {}),
    ...(container.args ? { args: container.args.map(hide) } : {}),
    ...(container.workingDir === undefined ? {} : { workingDir: container.workingDir }),
    ...(env.length > 0 ? { env: Object.fromEntries(env) } : {}),
    ...(container.gpus.length > 0 ? { gpus: [...container.gpus] } : {}),
    ...(container.mounts.length > 0
      ? {
          mounts: container.mounts.map((mount): Json => {
            if (mount.kind === 'own') return { path: mount.path };
            const source = mount.kind === 'volume' ? mount.volume : mount.source;
            return { source, path: mount.path, readOnly: mount.readOnly };
          }),
        }
      : {}),
    ...(container.files.length > 0 ? { files: container.files.map(({ path }) => path) } : {}),
    ...(container.shmBytes === undefined ? {} : { shmBytes: container.shmBytes }),
    ...(container.publish.length > 0
      ? { publish: container.publish.map((port) => `${port.hostAddress}:${port.hostPort}:${port.containerPort}`) }
      : {}),
    ...(container.network.kind === 'container' ? { joins: container.network.name } : {}),
    ...describeLimits(container),
    ...describeProbes(container, hide),
  };
}

/** What the container may do and use; what it does not set is left out. */
function describeLimits(container: DesiredContainer): { [key: string]: Json } {
  const { user, groups, capabilitiesAdd, capabilitiesDrop, ulimits, memoryBytes, cpus, ipcMode } = container;
  return {
    ...(user === undefined ? {} : { user }),
    ...(groups.length > 0 ? { groups: [...groups] } : {}),
    ...(capabilitiesAdd.length > 0 ? { capabilitiesAdd: [...capabilitiesAdd] } : {}),
    ...(capabilitiesDrop.length > 0 ? { capabilitiesDrop: [...capabilitiesDrop] } : {}),
    ...(container.privileged ? { privileged: true } : {}),
    ...(container.readOnlyRoot ? { readOnlyRoot: true } : {}),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(cpus === undefined ? {} : { cpus }),
    ...(ulimits.length > 0 ? { ulimits: ulimits.map((limit) => ({ ...limit })) } : {}),
    ...(ipcMode === undefined ? {} : { ipcMode }),
    graceSeconds: container.graceSeconds,
  };
}

function describeProbes({ probes }: DesiredContainer, hide: (text: string) => string): { [key: string]: Json } {
  if (Object.keys(probes).length === 0) return {};
  const plain: Json = JSON.parse(JSON.stringify(probes), (_, value) =>
    typeof value === 'string' ? hide(value) : value,
  );
  return { probes: plain };
}

/** Notices that tell of something that the cluster would do and this machine does not. */
const LEFT_OUT: ReadonlySet<string> = new Set(['CPU_LIMIT', 'MULTINODE', 'CLUSTER_ONLY', 'ENDPOINT_PICKER']);

/**
 * The containers of a project as plain data in a stable form: one `Infrastructure` each for etcd and NATS, one `Replica` each with all
 * its containers, then the `Deviations` from the cluster with their reasons. Holds no secret's value.
 */
export function localDocuments(desired: DesiredState, deviations: readonly AppliedDeviation[]): readonly Json[] {
  const rows = [
    ...deviations.map(({ changes, ...row }) => ({ ...row, changes: { ...changes } })),
    ...desired.notices
      .filter(({ code }) => LEFT_OUT.has(code))
      .map(({ code, message }) => ({
        deviation: code.toLowerCase().replaceAll('_', '-'),
        reason: message,
        changes: {},
      })),
  ];
  return [
    ...desired.infra.map(({ service, container }) => ({
      kind: 'Infrastructure',
      service,
      container: describeContainer(container),
    })),
    ...desired.replicas.map(({ id, component, runtimeVersion, containers }) => ({
      kind: 'Replica',
      id,
      component,
      runtimeVersion,
      containers: containers.map(describeContainer),
    })),
    { kind: 'Deviations', deviations: rows },
  ];
}
