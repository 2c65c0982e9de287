import type { DesiredContainer, DesiredReplica, DesiredState } from '../../model/desired-state.ts';
import type { Diagnostic } from '../../model/diagnostic.ts';
import type { ProcessMachine } from './process-machine.ts';

/** What an image alone could give: a command of its own, other programs. Those are refused. */
export function refuseImages(replica: DesiredReplica): readonly Diagnostic[] {
  const main = replica.containers.find(({ role }) => role === 'main');
  return replica.containers.flatMap((container): readonly Diagnostic[] => {
    if (container.role === 'sandbox') return [];
    const who = container.role === 'main' ? replica.component : `${replica.component}: ${container.container}`;
    if (container !== main && container.image !== main?.image) {
      return [
        {
          severity: 'error',
          code: 'PROCESS_SIDECAR',
          message: `${who} runs another image, ${container.image}, and processes have no images`,
          hint: 'use --runtime docker for this graph, or run it apart and take it out of the file',
        },
      ];
    }
    if (container.entrypoint !== undefined) return [];
    return [
      {
        severity: 'error',
        code: 'PROCESS_COMMAND',
        message: `${who} runs what its image runs, and processes have no images`,
        hint: 'give it a command in the file, or use --runtime docker',
      },
    ];
  });
}

/** What a container has and a process cannot be given: said once for each component. */
function leftOut(container: DesiredContainer, machine: ProcessMachine): readonly string[] {
  const uid = container.user?.split(':')[0];
  return [
    ...(uid !== undefined && Number(uid) !== machine.userId ? [`runAsUser ${uid}`] : []),
    ...(container.privileged ? ['privileged'] : []),
    ...(container.capabilitiesAdd.length + container.capabilitiesDrop.length > 0 ? ['capabilities'] : []),
    ...(container.readOnlyRoot ? ['readOnlyRootFilesystem'] : []),
    ...(container.cpus === undefined ? [] : ['CPU limit']),
    ...(container.memoryBytes === undefined || machine.limitsMemory
      ? []
      : ['memory limit (its cgroup is not ours to divide)']),
    ...(container.ipcMode === undefined ? [] : ['hostIPC']),
    ...container.mounts.flatMap((mount) =>
      mount.kind !== 'own' && mount.readOnly && mount.kind === 'volume' ? [`readOnly of ${mount.path}`] : [],
    ),
  ];
}

/** Everything about a graph of processes that is not as in a cluster and not in its environment. */
export function processNotices(desired: DesiredState, machine: ProcessMachine): readonly Diagnostic[] {
  const images = new Set(desired.replicas.flatMap(({ containers }) => containers.map(({ image }) => image)));
  const byComponent = new Map<string, Set<string>>();
  for (const { component, containers } of desired.replicas) {
    const found = byComponent.get(component) ?? new Set();
    for (const container of containers) for (const what of leftOut(container, machine)) found.add(what);
    byComponent.set(component, found);
  }
  const notice = (code: string, message: string, hint?: string): Diagnostic => ({
    severity: 'notice',
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
  });
  return [
    notice(
      'PROCESS_PYTHON',
      `processes of ${machine.python} (ai-dynamo ${machine.dynamoVersion}) stand for ${[...images].toSorted().join(', ')}`,
    ),
    notice('PROCESS_INFRA', describeInfra(machine)),
    ...[...byComponent].flatMap(([component, what]) =>
      what.size === 0 ? [] : [notice('PROCESS_LEFT_OUT', `${component}: a process has no ${[...what].join(', no ')}`)],
    ),
    ...desired.volumes.flatMap(({ scratch, claim, name }) =>
      scratch
        ? []
        : [
            notice(
              'PROCESS_CLAIM',
              `the claim ${claim} is the directory ${machine.folder}/volumes/${name}`,
              `--volume ${claim}=PATH names another`,
            ),
          ],
    ),
  ];
}

function describeInfra({ infra }: ProcessMachine): string {
  switch (infra.kind) {
    case 'own':
      return infra.nats === undefined
        ? `discovery through ${infra.etcd}; NATS is not needed`
        : `discovery and events through ${infra.etcd} and ${infra.nats}`;
    case 'shared':
      return 'discovery and events through the servers of --infra-endpoints';
    case 'files':
      return 'no etcd is on PATH: discovery through files of the project, requests over TCP, events over ZMQ';
  }
}
