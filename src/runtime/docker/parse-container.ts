import type Docker from 'dockerode';
import type { ContainerStatus, ObservedContainer } from '../../model/observed-state.ts';
import { parseLabels } from '../parse-labels.ts';

const STATUSES: readonly ContainerStatus[] = [
  'created',
  'running',
  'paused',
  'restarting',
  'exited',
  'dead',
  'removing',
];
const POLICIES = ['no', 'unless-stopped', 'always', 'on-failure'] as const;

/** The engine writes year 1 for "never". */
function parseTime(text: string | undefined): number | undefined {
  const time = Date.parse(text ?? '');
  return Number.isNaN(time) || time <= 0 ? undefined : time;
}

type Published = ObservedContainer['published'][number];

function parsePorts(ports: Docker.ContainerInspectInfo['NetworkSettings']['Ports']): Published[] {
  return Object.entries(ports ?? {}).flatMap(([key, bindings]) =>
    (bindings ?? []).map((binding) => ({
      containerPort: Number.parseInt(key, 10),
      hostAddress: binding.HostIp === '' ? '0.0.0.0' : binding.HostIp,
      hostPort: Number(binding.HostPort),
    })),
  );
}

/** An inspect answer as the rest of the program sees it; undefined for a container that is not ours. */
export function parseContainer(info: Docker.ContainerInspectInfo): ObservedContainer | undefined {
  const labelled = parseLabels(info.Config.Labels ?? {});
  if (!labelled) return undefined;
  const address = Object.values(info.NetworkSettings.Networks ?? {}).find((network) => network.IPAddress)?.IPAddress;
  const status = STATUSES.find((known) => known === info.State.Status) ?? 'dead';
  return {
    ...labelled,
    id: info.Id,
    name: info.Name.replace(/^\//, ''),
    status,
    exitCode: status === 'exited' || status === 'dead' ? info.State.ExitCode : undefined,
    oomKilled: info.State.OOMKilled,
    memoryLimited: (info.HostConfig.Memory ?? 0) > 0,
    startedAt: parseTime(info.State.StartedAt),
    finishedAt: parseTime(info.State.FinishedAt),
    imageId: info.Image,
    image: info.Config.Image,
    restartPolicy: POLICIES.find((known) => known === info.HostConfig.RestartPolicy?.Name) ?? 'no',
    restartCount: info.RestartCount,
    address: status === 'running' ? address : undefined,
    published: status === 'running' ? parsePorts(info.NetworkSettings.Ports) : [],
  };
}
