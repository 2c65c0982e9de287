import { parse } from 'yaml';
import { UserError } from '../model/diagnostic.ts';

/** A service of compose/infra.yaml, its variables filled in: the part of the compose format that the file uses. */
export interface InfraService {
  readonly service: 'etcd' | 'nats';
  readonly image: string;
  readonly entrypoint: readonly string[] | undefined;
  readonly command: readonly string[] | undefined;
  readonly environment: Readonly<Record<string, string>>;
  readonly tmpfs: readonly string[];
  readonly graceSeconds: number;
}

const SERVICES = ['etcd', 'nats'] as const;

/** `${NAME}`, `${NAME:-default}` and `${NAME-default}`, as compose fills them in; `$$` is a dollar. */
export function interpolate(text: string, env: Readonly<Record<string, string | undefined>>): string {
  return text.replace(
    /\$\$|\$\{([A-Za-z_]\w*)(?:(:?-)([^}]*))?\}/g,
    (whole, name: string | undefined, sign: string | undefined, fallback: string | undefined) => {
      if (whole === '$$') return '$';
      const value = env[name ?? ''];
      if (value !== undefined && (value !== '' || sign !== ':-')) return value;
      return fallback ?? '';
    },
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readStrings(value: unknown, env: Readonly<Record<string, string | undefined>>): readonly string[] | undefined {
  if (typeof value === 'string') return [interpolate(value, env)];
  return Array.isArray(value) ? value.map((item) => interpolate(String(item), env)) : undefined;
}

function readSeconds(value: unknown): number {
  const match = /^(\d+)s$/.exec(String(value ?? '10s'));
  return match ? Number(match[1]) : 10;
}

/** The two services of the file. Throws INFRA_FILE when one is missing or has no image. */
export function readInfra(
  file: string,
  text: string,
  env: Readonly<Record<string, string | undefined>>,
): readonly InfraService[] {
  const document: unknown = parse(text);
  const services = isRecord(document) && isRecord(document.services) ? document.services : {};
  return SERVICES.map((service) => {
    const written = services[service];
    if (!isRecord(written) || typeof written.image !== 'string') {
      throw new UserError('INFRA_FILE', `${file} defines no service ${service} with an image`);
    }
    const environment = isRecord(written.environment) ? written.environment : {};
    return {
      service,
      image: interpolate(written.image, env),
      entrypoint: readStrings(written.entrypoint, env),
      command: readStrings(written.command, env),
      environment: Object.fromEntries(
        Object.entries(environment).map(([name, value]) => [name, interpolate(String(value), env)]),
      ),
      tmpfs: readStrings(written.tmpfs, env) ?? [],
      graceSeconds: readSeconds(written.stop_grace_period),
    };
  });
}
