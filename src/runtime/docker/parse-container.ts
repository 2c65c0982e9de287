import type Docker from 'dockerode';
import type { ContainerRole } from '../../model/desired-state.ts';
import { LABEL } from '../../model/labels.ts';
import type { ContainerStatus, ObservedContainer, ReplicaFacts } from '../../model/observed-state.ts';
import type { Probes } from '../../model/probe.ts';

const ROLES: readonly ContainerRole[] = ['main', 'sidecar', 'init', 'sandbox', 'infra'];
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

function parseFacts(text: string | undefined): ReplicaFacts {
  const value = parseJson(text);
  const facts = isObject(value) ? value : {};
  return {
    graceSeconds: typeof facts.graceSeconds === 'number' ? facts.graceSeconds : 10,
    reach: facts.reach === 'published' ? 'published' : 'direct',
    runtimeVersion: typeof facts.runtimeVersion === 'string' ? facts.runtimeVersion : '',
    ...(typeof facts.frontendPort === 'number' ? { frontendPort: facts.frontendPort } : {}),
  };
}

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

/** An inspect answer as the rest of the program sees it. Labels are read here and nowhere else. */
export function parseContainer(info: Docker.ContainerInspectInfo): ObservedContainer {
  const labels = info.Config.Labels ?? {};
  const probes = parseJson(labels[LABEL.probes]);
  const address = Object.values(info.NetworkSettings.Networks ?? {}).find((network) => network.IPAddress)?.IPAddress;
  const status = STATUSES.find((known) => known === info.State.Status) ?? 'dead';
  const everStarted = parseTime(info.State.StartedAt);
  return {
    id: info.Id,
    name: info.Name.replace(/^\//, ''),
    project: labels[LABEL.project] ?? '',
    graph: labels[LABEL.graph] ?? '',
    source: labels[LABEL.source] ?? '',
    component: labels[LABEL.component] ?? '',
    type: labels[LABEL.type] ?? '',
    replica: Number.parseInt(labels[LABEL.replica] ?? '0', 10) || 0,
    role: ROLES.find((known) => known === labels[LABEL.role]) ?? 'main',
    container: labels[LABEL.container] ?? 'main',
    hash: labels[LABEL.hash] ?? '',
    gpus: (labels[LABEL.gpus] ?? '').split(',').filter((uuid) => uuid !== ''),
    probes: isProbes(probes) ? probes : {},
    facts: parseFacts(labels[LABEL.facts]),
    status,
    exitCode: status === 'exited' || status === 'dead' ? info.State.ExitCode : undefined,
    oomKilled: info.State.OOMKilled,
    startedAt: everStarted,
    finishedAt: parseTime(info.State.FinishedAt),
    imageId: info.Image,
    image: info.Config.Image,
    restartPolicy: POLICIES.find((known) => known === info.HostConfig.RestartPolicy?.Name) ?? 'no',
    restartCount: info.RestartCount,
    address: status === 'running' ? address : undefined,
    published: status === 'running' ? parsePorts(info.NetworkSettings.Ports) : [],
  };
}
