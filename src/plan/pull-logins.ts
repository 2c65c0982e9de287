import type { DesiredReplica } from '../model/desired-state.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import { itemsAt, type Node, stringAt } from '../model/node.ts';
import type { ResolvedComponent } from '../model/resolved-graph.ts';
import type { RegistryLogin } from '../model/runtime.ts';
import type { CompanionValues } from './companion-values.ts';

const HUB = 'index.docker.io';

interface Login extends RegistryLogin {
  /** A key of `auths` without its scheme: `nvcr.io`, `*.azurecr.io`, `registry.example/team`. */
  readonly glob: string;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(entry: Record<string, unknown>, field: string): string {
  const value = entry[field];
  return typeof value === 'string' ? value : '';
}

function readEntry(key: string, entry: unknown, source: string): Login[] {
  if (!isObject(entry)) return [];
  const [user = '', ...rest] = Buffer.from(text(entry, 'auth'), 'base64').toString('utf8').split(':');
  const username = user || text(entry, 'username');
  const password = user ? rest.join(':') : text(entry, 'password');
  const identityToken = text(entry, 'identitytoken') || undefined;
  if (username === '' && identityToken === undefined) return [];
  const glob = key.replace(/^https?:\/\//, '').replace(/\/(?:v[12]\/?)?$/, '');
  return [{ glob, username, password, identityToken, source }];
}

function readSecret(name: string, companions: CompanionValues): Login[] {
  const value = companions.secrets.get(name)?.get('.dockerconfigjson');
  if (!value) return [];
  try {
    const parsed: unknown = JSON.parse(value.text);
    const auths = isObject(parsed) && isObject(parsed.auths) ? parsed.auths : {};
    return Object.entries(auths).flatMap(([key, entry]) => readEntry(key, entry, `Secret ${name} (${key})`));
  } catch {
    return [];
  }
}

/** docker.io and its short names: whatever has no host in front. */
function isHubImage(image: string): boolean {
  const [first = '', ...rest] = image.split('/');
  return rest.length === 0 || first === 'docker.io' || first === HUB || !/[.:]|^localhost$/.test(first);
}

function splitHost(reference: string): {
  readonly parts: readonly string[];
  readonly port: string;
  readonly path: string;
} {
  const slash = reference.indexOf('/');
  const host = slash < 0 ? reference : reference.slice(0, slash);
  const [name = '', port = ''] = host.split(':');
  return { parts: name.split('.'), port, path: slash < 0 ? '' : reference.slice(slash) };
}

/** pkg/credentialprovider/keyring.go URLsMatch: the same port, as many parts of a name, each a glob, and a path that begins so. */
function matches(glob: string, image: string): boolean {
  const wanted = splitHost(glob);
  const given = splitHost(image);
  const isGlob = (pattern: string, part: string) =>
    new RegExp(
      `^${pattern
        .replace(/[.+^${}()|[\]\\]/g, '\\$&')
        .replaceAll('*', '.*')
        .replaceAll('?', '.')}$`,
    ).test(part);
  return (
    wanted.port === given.port &&
    wanted.parts.length === given.parts.length &&
    wanted.parts.every((part, index) => isGlob(part, given.parts[index] ?? '')) &&
    given.path.startsWith(wanted.path)
  );
}

/** The logins for every image that the replicas run, by image. Notices name the pull secrets that nobody gave. */
export function collectPullLogins(
  components: readonly ResolvedComponent[],
  replicas: readonly DesiredReplica[],
  companions: CompanionValues,
): { readonly logins: ReadonlyMap<string, readonly RegistryLogin[]>; readonly notices: readonly Diagnostic[] } {
  const logins = new Map<string, readonly RegistryLogin[]>();
  const notices: Diagnostic[] = [];
  const known = [...companions.secrets].filter(([, keys]) => keys.has('.dockerconfigjson')).map(([name]) => name);
  for (const { name, podTemplate, discoversPullSecrets } of components) {
    const listed = itemsAt(podTemplate, 'spec', 'imagePullSecrets');
    const names = listed.flatMap((item) => stringAt(item, 'name') ?? []);
    for (const item of listed) {
      const secret = stringAt(item, 'name') ?? '';
      if (!companions.secrets.has(secret)) notices.push(missingPullSecret(secret, item));
    }
    // What `--image` chose is another registry's, which the operator has not seen.
    const candidates = discoversPullSecrets ? [...new Set([...names, ...known])] : names;
    for (const { image } of replicas
      .filter(({ component }) => component === name)
      .flatMap(({ containers }) => containers)) {
      const before = logins.get(image) ?? [];
      const more = findPullLogins(image, candidates, companions).filter(
        (login) => !before.some(({ source }) => source === login.source),
      );
      if (more.length > 0) logins.set(image, [...before, ...more]);
    }
  }
  return { logins, notices };
}

function missingPullSecret(name: string, item: Node): Diagnostic {
  return {
    severity: 'notice',
    code: 'PULL_SECRET_MISSING',
    message: `imagePullSecrets names ${name}, which is not given: it is left out`,
    ...(item.origin.kind === 'file' ? { at: item.origin.at } : {}),
    hint: `--secret ${name}=~/.docker/config.json gives it`,
  };
}

/**
 * The logins that the kubelet would try for an image, in its order: those of the pod's pull secrets whose registry matches, the most
 * particular first; Docker Hub's for images without a registry. Secrets that nobody gave count for nothing, as in a cluster.
 */
function findPullLogins(
  image: string,
  secrets: readonly string[],
  companions: CompanionValues,
): readonly RegistryLogin[] {
  const known = secrets.flatMap((name) => readSecret(name, companions));
  const found = known
    .filter(({ glob }) => matches(glob, image))
    .toSorted((a, b) => (a.glob > b.glob ? -1 : a.glob < b.glob ? 1 : 0));
  const logins =
    found.length === 0 && isHubImage(image) ? known.filter(({ glob }) => glob === HUB || glob === 'docker.io') : found;
  return logins.map(({ glob: _, ...login }) => login);
}
