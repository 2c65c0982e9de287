import type {
  DesiredContainer,
  DesiredFile,
  DesiredReplica,
  DesiredState,
  DesiredVolume,
} from '../model/desired-state.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import { fromJson, type Json, type MapNode } from '../model/node.ts';
import { healthcheckOf } from './compose-health.ts';
import { composeService } from './compose-service.ts';
import { escapeDollars } from './compose-text.ts';

const HEALTHY = 'service_healthy';
const STARTED = 'service_started';
const COMPLETED = 'service_completed_successfully';

/** etcd and NATS as compose checks them, from compose/infra.yaml. */
export type InfraHealthchecks = Readonly<Record<'etcd' | 'nats', Json>>;

interface Written {
  readonly document: MapNode;
  readonly diagnostics: readonly Diagnostic[];
}

/** Files of ConfigMaps and Secrets, by a name of their own each. */
class Files {
  readonly #names = new Map<string, { readonly file: DesiredFile; readonly name: string }>();

  nameOf = (file: DesiredFile): string => {
    const key = `${file.secret} ${file.path} ${file.content.toString()}`;
    const base = file.path.replace(/^\/+/, '').replace(/[^a-zA-Z0-9_.-]+/g, '-');
    const found = this.#names.get(key);
    if (found) return found.name;
    const taken = new Set([...this.#names.values()].map(({ name }) => name));
    const name = taken.has(base) ? `${base}-${this.#names.size}` : base;
    this.#names.set(key, { file, name });
    return name;
  };

  list(secret: boolean): readonly { readonly file: DesiredFile; readonly name: string }[] {
    return [...this.#names.values()].filter(({ file }) => file.secret === secret);
  }
}

/** The variable that holds a Secret's file. */
function fileVariable(name: string): string {
  return name.toUpperCase().replace(/[^A-Z0-9]+/g, '_');
}

function contentOf(file: DesiredFile): string {
  return typeof file.content === 'string'
    ? file.content
    : new TextDecoder('utf-8', { fatal: true }).decode(file.content);
}

/** A service that gives a fresh volume its owner, as `dynamo up` does: compose makes volumes that root owns. */
function ownerService(volume: DesiredVolume, source: string): Json {
  const mode = volume.scratch ? '0777' : '2775';
  const owner = volume.owner ?? 0;
  return {
    image: volume.image,
    user: '0:0',
    network_mode: 'none',
    entrypoint: ['sh', '-c', `chown ${owner}:${owner} /volume && chmod ${mode} /volume`],
    volumes: [{ type: 'volume', source, target: '/volume', volume: { nocopy: true } }],
  };
}

function volumeOf({ memoryBytes }: DesiredVolume): Json {
  if (memoryBytes === undefined) return {};
  const size = memoryBytes > 0 ? `size=${memoryBytes},` : '';
  return { driver_opts: { type: 'tmpfs', device: 'tmpfs', o: `${size}mode=1777` } };
}

function needsOwner({ memoryBytes, scratch, owner }: DesiredVolume): boolean {
  return memoryBytes === undefined && (scratch || (owner !== undefined && owner !== 0));
}

/** Components are named without regard to case, as the operator names their objects. */
function startsAfter({ startAfter }: DesiredReplica, component: string): boolean {
  return startAfter.some((name) => name.toLowerCase() === component.toLowerCase());
}

/**
 * What this machine would run as a compose file of its own: `docker compose up` starts it without dynamo. Secrets are variables of the
 * caller; GPUs count from 0. Probes become health checks, which gate the start and restart nothing.
 */
export function toCompose(desired: DesiredState, checks: InfraHealthchecks): Written {
  const { project } = desired;
  const shortName = (name: string) =>
    name.startsWith(project) ? name.slice(project.length).replace(/^[-_]/, '') : name;
  const files = new Files();
  const infra = Object.fromEntries(desired.infra.map(({ service }) => [service, HEALTHY] as const));
  const owned = new Map(
    desired.volumes.filter(needsOwner).map((volume) => [volume.name, `own-${shortName(volume.name)}`]),
  );
  const ownersOf = (container: DesiredContainer) =>
    container.mounts.flatMap((mount) => (mount.kind === 'volume' ? (owned.get(mount.volume) ?? []) : []));
  const readyOf = new Map(desired.replicas.map((replica) => [replica.id, conditionsOf(replica, shortName)]));
  const services: [string, Json][] = desired.infra.map(({ service, container }) => [
    service,
    composeService(container, { shortName, dependsOn: {}, healthcheck: checks[service], fileName: files.nameOf }),
  ]);
  for (const volume of desired.volumes) {
    const name = owned.get(volume.name);
    if (name !== undefined) services.push([name, ownerService(volume, shortName(volume.name))]);
  }
  for (const replica of desired.replicas) {
    const others = desired.replicas.filter(
      ({ id, component }) => id === replica.startAfterReplica || startsAfter(replica, component),
    );
    let before: { [service: string]: string } = {
      ...infra,
      ...Object.assign({}, ...others.map(({ id }) => readyOf.get(id) ?? {})),
    };
    for (const container of replica.containers) {
      const name = shortName(container.name);
      const own = Object.fromEntries(ownersOf(container).map((service) => [service, COMPLETED]));
      const dependsOn = container.role === 'sandbox' ? own : { ...before, ...own };
      const fileUser = imageUser(replica.runtimeVersion);
      services.push([name, composeService(container, { shortName, dependsOn, fileName: files.nameOf, fileUser })]);
      if (container.role === 'sandbox') before = { ...before, [name]: STARTED };
      if (container.role === 'init') before = { ...before, [name]: COMPLETED };
      if (container.holdsBack) before = { ...before, [name]: healthcheckOf(container) ? HEALTHY : STARTED };
    }
  }
  const document: { [key: string]: Json } = { name: project, services: Object.fromEntries(services) };
  if (desired.volumes.length > 0)
    document.volumes = Object.fromEntries(desired.volumes.map((volume) => [shortName(volume.name), volumeOf(volume)]));
  const configs = files
    .list(false)
    .map(({ file, name }) => [name, { content: escapeDollars(contentOf(file)) }] as const);
  if (configs.length > 0) document.configs = Object.fromEntries(configs);
  const secrets = files.list(true).map(({ name }) => [name, { environment: fileVariable(name) }] as const);
  if (secrets.length > 0) document.secrets = Object.fromEntries(secrets);
  const node = fromJson(document, { kind: 'flag', flag: '--to compose' });
  if (node.kind !== 'map') throw new Error('a compose file is a map');
  return {
    document: node,
    diagnostics: noticeSecrets(
      desired,
      secrets.map(([name]) => fileVariable(name)),
    ),
  };
}

/**
 * The engine looks a user up by name on the host when compose hands it a file, and finds none: the number does. Images of Dynamo from 1.0
 * on run as uid 1000 (facts/versions.md §1).
 */
function imageUser(runtimeVersion: string): string | undefined {
  return Number.parseInt(runtimeVersion, 10) >= 1 ? '1000' : undefined;
}

/** What others wait for when they start after a replica. */
function conditionsOf(
  { containers }: DesiredReplica,
  shortName: (name: string) => string,
): { readonly [service: string]: string } {
  return Object.fromEntries(
    containers
      .filter(({ role }) => role === 'main' || role === 'sidecar')
      .map((container) => [shortName(container.name), healthcheckOf(container) ? HEALTHY : STARTED]),
  );
}

function noticeSecrets(desired: DesiredState, files: readonly string[]): readonly Diagnostic[] {
  const env = desired.replicas.flatMap(({ containers }) =>
    containers.flatMap((container) => container.env.filter(({ secret }) => secret).map(({ name }) => name)),
  );
  const names = [...new Set([...env, ...files])].toSorted();
  if (names.length === 0) return [];
  const message = `secrets are not in the file: docker compose takes ${names.join(', ')} from its environment, or from .env`;
  return [{ severity: 'notice', code: 'SECRETS_OF_CALLER', message }];
}
