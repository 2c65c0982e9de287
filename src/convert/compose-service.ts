import type { DesiredContainer, DesiredFile, DesiredMount } from '../model/desired-state.ts';
import type { Json } from '../model/node.ts';
import { healthcheckOf } from './compose-health.ts';
import { composeText, variableOf } from './compose-text.ts';

type Fields = { readonly [key: string]: Json };

export interface ServiceContext {
  /** The name of a container's service, or of a volume, in the file. */
  readonly shortName: (name: string) => string;
  /** Conditions by service. */
  readonly dependsOn: { readonly [service: string]: string };
  /** Sets the health check of a service that is not asked by a probe: etcd and NATS. */
  readonly healthcheck?: Json;
  /** Who a container with files runs as where nothing else is said: see `toCompose`. */
  readonly fileUser?: string | undefined;
  /** A file of a ConfigMap or Secret: the name under which the file holds it. */
  readonly fileName: (file: DesiredFile) => string;
}

/** Fields whose value is something. */
function present(fields: { readonly [key: string]: Json | undefined }): Fields {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([key, value]) =>
      value === undefined || (Array.isArray(value) && value.length === 0) ? [] : [[key, value] as const],
    ),
  );
}

function mountOf(mount: DesiredMount, { shortName }: ServiceContext): readonly Json[] {
  if (mount.kind === 'own') return [];
  const shared = { target: mount.path, ...(mount.readOnly ? { read_only: true } : {}) };
  if (mount.kind === 'bind') return [{ type: 'bind', source: mount.source, ...shared }];
  const { volume, noCopy, subPath } = mount;
  const options = present({ nocopy: noCopy || undefined, subpath: subPath });
  return [
    {
      type: 'volume',
      source: shortName(volume),
      ...shared,
      ...(Object.keys(options).length > 0 ? { volume: options } : {}),
    },
  ];
}

function networkOf({ network }: DesiredContainer, { shortName }: ServiceContext): Fields {
  if (network.kind === 'container') return { network_mode: `service:${shortName(network.name)}` };
  if (network.kind === 'host') return { network_mode: 'host' };
  return { hostname: network.hostname, networks: { default: { aliases: [...network.aliases] } } };
}

function gpusOf({ gpus }: DesiredContainer): Fields {
  if (gpus.length === 0) return {};
  const devices = [{ driver: 'nvidia', device_ids: [...gpus], capabilities: ['gpu'] }];
  return { deploy: { resources: { reservations: { devices } } } };
}

function filesOf({ files }: DesiredContainer, secret: boolean, context: ServiceContext): readonly Json[] {
  return files
    .filter((file) => file.secret === secret)
    .map((file) => ({
      source: context.fileName(file),
      target: file.path,
      mode: file.mode,
      ...(file.owner === undefined ? {} : { uid: String(file.owner) }),
    }));
}

/** One container as a service of a compose file. */
export function composeService(container: DesiredContainer, context: ServiceContext): Fields {
  const text = composeText(container);
  const { network } = container;
  const environment = container.env.map(
    ({ name, value, secret }) => [name, secret ? variableOf(name) : text(value)] as const,
  );
  const depends = Object.entries(context.dependsOn).map(([name, condition]) => [name, { condition }] as const);
  return present({
    image: container.image,
    entrypoint: container.entrypoint?.map(text),
    command: container.args?.map(text),
    environment: environment.length > 0 ? Object.fromEntries(environment) : undefined,
    working_dir: container.workingDir,
    user: container.user ?? (container.files.length > 0 ? context.fileUser : undefined),
    group_add: container.groups.map(String),
    cap_add: [...container.capabilitiesAdd],
    cap_drop: [...container.capabilitiesDrop],
    privileged: container.privileged || undefined,
    read_only: container.readOnlyRoot || undefined,
    shm_size: container.shmBytes,
    mem_limit: container.memoryBytes,
    cpus: container.cpus,
    ulimits:
      container.ulimits.length > 0
        ? Object.fromEntries(container.ulimits.map(({ name, soft, hard }) => [name, { soft, hard }]))
        : undefined,
    ipc: ipcOf(container, context),
    ...gpusOf(container),
    volumes: container.mounts.flatMap((mount) => mountOf(mount, context)),
    tmpfs: container.tmpfs.map(({ path, options }) => (options === '' ? path : `${path}:${options}`)),
    configs: filesOf(container, false, context),
    secrets: filesOf(container, true, context),
    ...networkOf(container, context),
    ports: network.kind === 'bridge' ? container.publish.map(portOf) : [],
    healthcheck: context.healthcheck ?? healthcheckOf(container),
    depends_on: depends.length > 0 ? Object.fromEntries(depends) : undefined,
    stop_grace_period: `${container.graceSeconds}s`,
    restart: container.role === 'init' ? undefined : 'unless-stopped',
  });
}

/** `container:NAME` is a service of the file. */
function ipcOf({ ipcMode }: DesiredContainer, { shortName }: ServiceContext): string | undefined {
  const other = /^container:(.+)$/.exec(ipcMode ?? '')?.[1];
  return other === undefined ? ipcMode : `service:${shortName(other)}`;
}

/** Host port 0 is one that Docker chooses. */
function portOf({ hostAddress, hostPort, containerPort }: DesiredContainer['publish'][number]): string {
  return `${hostAddress}:${hostPort === 0 ? '' : hostPort}:${containerPort}`;
}
