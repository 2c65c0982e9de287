import type Docker from 'dockerode';
import type { DesiredContainer, DesiredNetworking } from '../../model/desired-state.ts';
import { type GpuDriver, gpuRequest } from './gpu-request.ts';
import { fileDirectories } from './write-files.ts';

/** Logs stay with the container until it is removed, 3 files of 50 MB at most. */
const LOG_CONFIG = { Type: 'json-file', Config: { 'max-size': '50m', 'max-file': '3' } };

function portKey(port: number): string {
  return `${port}/tcp`;
}

/** A nameless volume goes with its container; NoCopy: it hides what the image has there. */
function ownMount(path: string, noCopy: boolean): Docker.MountSettings {
  return {
    Type: 'volume',
    Source: '',
    Target: path,
    VolumeOptions: { NoCopy: noCopy, Labels: {}, DriverConfig: { Name: 'local', Options: {} } },
  };
}

function mountsOf({ mounts, files, readOnlyRoot }: DesiredContainer): Docker.MountSettings[] {
  const taken = new Set(mounts.map(({ path }) => path));
  const directories = readOnlyRoot ? fileDirectories(files).filter((path) => !taken.has(path)) : [];
  return [
    ...mounts.flatMap((mount): Docker.MountSettings[] => {
      if (mount.kind === 'own') return [ownMount(mount.path, true)];
      const common = { Target: mount.path, ReadOnly: mount.readOnly };
      if (mount.kind === 'bind') return mount.create ? [] : [{ Type: 'bind', Source: mount.source, ...common }];
      const volume = {
        NoCopy: mount.noCopy,
        Labels: {},
        DriverConfig: { Name: 'local', Options: {} },
        ...(mount.subPath ? { Subpath: mount.subPath } : {}),
      };
      return [{ Type: 'volume', Source: mount.volume, ...common, VolumeOptions: volume }];
    }),
    // The engine writes no file below a read-only root.
    ...directories.map((path) => ownMount(path, false)),
  ];
}

/** The older form of bind mounts, whose missing sources the engine makes. */
function bindsOf({ mounts }: DesiredContainer): string[] {
  return mounts.flatMap((mount) =>
    mount.kind === 'bind' && mount.create ? [`${mount.source}:${mount.path}${mount.readOnly ? ':ro' : ''}`] : [],
  );
}

function networkMode(network: DesiredNetworking): string {
  switch (network.kind) {
    case 'bridge':
      return network.network;
    case 'container':
      return `container:${network.name}`;
    case 'host':
      return 'host';
  }
}

/**
 * The body of the engine's create call, without the name. Kubernetes `command` is Docker's entrypoint (DESIGN decision 7): where it is given without
 * `args` the image's CMD must not be added to it.
 */
export function containerBody(
  container: DesiredContainer,
  gpuDriver: GpuDriver = 'nvidia',
): Docker.ContainerCreateOptions {
  const { network, publish } = container;
  const args = container.args ?? (container.entrypoint ? [] : undefined);
  return {
    Image: container.image,
    ...(container.entrypoint ? { Entrypoint: [...container.entrypoint] } : {}),
    ...(args ? { Cmd: [...args] } : {}),
    Env: container.env.map(({ name, value }) => `${name}=${value}`),
    Labels: { ...container.labels },
    ...(container.workingDir ? { WorkingDir: container.workingDir } : {}),
    ...(container.user ? { User: container.user } : {}),
    // The probes of the graph are ours to run; a HEALTHCHECK of the image would only cost.
    Healthcheck: { Test: ['NONE'] },
    StopTimeout: container.graceSeconds,
    ...(network.kind === 'bridge' ? { Hostname: network.hostname.slice(0, 63) } : {}),
    ...(publish.length > 0
      ? { ExposedPorts: Object.fromEntries(publish.map((port) => [portKey(port.containerPort), {}])) }
      : {}),
    HostConfig: {
      NetworkMode: networkMode(network),
      RestartPolicy: { Name: 'no' },
      LogConfig: LOG_CONFIG,
      // Kubernetes runs no init process; an engine may have one by default.
      Init: false,
      Mounts: mountsOf(container),
      Binds: bindsOf(container),
      ...(container.tmpfs.length > 0
        ? { Tmpfs: Object.fromEntries(container.tmpfs.map(({ path, options }) => [path, options])) }
        : {}),
      ...(container.shmBytes === undefined ? {} : { ShmSize: container.shmBytes }),
      ...(container.memoryBytes === undefined ? {} : { Memory: Math.floor(container.memoryBytes) }),
      ...(container.cpus === undefined ? {} : { NanoCpus: Math.round(container.cpus * 1e9) }),
      Ulimits: container.ulimits.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })),
      CapAdd: [...container.capabilitiesAdd],
      CapDrop: [...container.capabilitiesDrop],
      GroupAdd: container.groups.map(String),
      Privileged: container.privileged,
      ReadonlyRootfs: container.readOnlyRoot,
      ...(container.ipcMode ? { IpcMode: container.ipcMode } : {}),
      ...(container.gpus.length > 0 ? { DeviceRequests: [gpuRequest(container.gpus, gpuDriver)] } : {}),
      ...(publish.length > 0
        ? {
            PortBindings: Object.fromEntries(
              publish.map(({ containerPort, hostAddress, hostPort }) => [
                portKey(containerPort),
                [{ HostIp: hostAddress, HostPort: hostPort === 0 ? '' : String(hostPort) }],
              ]),
            ),
          }
        : {}),
    },
    ...(network.kind === 'bridge'
      ? { NetworkingConfig: { EndpointsConfig: { [network.network]: { Aliases: [...network.aliases] } } } }
      : {}),
  };
}
