import { parse } from 'yaml';
import { UserError } from '../model/diagnostic.ts';
import { interpolate, MissingVariable } from './interpolate.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/** A service of compose/infra.yaml, its variables filled in: the part of the compose format that the file uses. */
export interface InfraService {
  readonly service: 'etcd' | 'nats';
  readonly image: string;
  /** Undefined keeps the image's. */
  readonly entrypoint: readonly string[] | undefined;
  readonly command: readonly string[] | undefined;
  readonly environment: Readonly<Record<string, string>>;
  /** `PATH` or `PATH:OPTIONS` */
  readonly tmpfs: readonly string[];
  /** Whole seconds between SIGTERM and SIGKILL. */
  readonly graceSeconds: number;
}

const SERVICES = ['etcd', 'nats'] as const;

/** `healthcheck` is for docker compose alone: health is asked for here by a real request. */
const FIELDS = ['image', 'entrypoint', 'command', 'environment', 'tmpfs', 'stop_grace_period', 'healthcheck'];

/** Docker's and compose's own default of `stop_grace_period`. */
const DEFAULT_GRACE_SECONDS = 10;

/**
 * The two services of a compose file. `file` is its name for messages. Throws INFRA_FILE when it is no YAML, when a service is missing
 * or has no image, or when something stands in it that would be ignored.
 */
export function readInfra(file: string, text: string, env: Variables): readonly InfraService[] {
  const fail = (problem: string): never => {
    throw new UserError('INFRA_FILE', `${file}: ${problem}`, {
      hint: `services etcd and nats may have ${FIELDS.join(', ')}`,
    });
  };
  const services = fieldsOf(parseYaml(text, fail)).services;
  const written = fieldsOf(services);
  const strange = Object.keys(written).find((name) => name !== 'etcd' && name !== 'nats');
  if (strange !== undefined) fail(`there is no use for service ${strange}`);
  return SERVICES.map((service) => {
    try {
      return readService(service, fieldsOf(written[service]), {
        env,
        fail: (problem) => fail(`${service}: ${problem}`),
      });
    } catch (error) {
      if (error instanceof MissingVariable) return fail(`${service}: ${error.message}`);
      throw error;
    }
  });
}

interface Context {
  readonly env: Variables;
  readonly fail: (problem: string) => never;
}

function parseYaml(text: string, fail: (problem: string) => never): unknown {
  try {
    return parse(text);
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

function readService(
  service: InfraService['service'],
  written: Readonly<Record<string, unknown>>,
  context: Context,
): InfraService {
  const { env, fail } = context;
  const strange = Object.keys(written).find((field) => !FIELDS.includes(field));
  if (strange !== undefined) fail(`${strange} is not supported`);
  const image = typeof written.image === 'string' ? interpolate(written.image, env) : '';
  if (image === '') fail('no image');
  return {
    service,
    image,
    entrypoint: readList('entrypoint', written.entrypoint, context),
    command: readList('command', written.command, context),
    environment: readEnvironment(written.environment, context),
    tmpfs:
      typeof written.tmpfs === 'string'
        ? [interpolate(written.tmpfs, env)]
        : (readList('tmpfs', written.tmpfs, context) ?? []),
    graceSeconds: readSeconds(written.stop_grace_period, context),
  };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : {};
}

/** A string would be split as a shell does: the file is ours, so it writes lists. */
function readList(field: string, value: unknown, { env, fail }: Context): readonly string[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) return fail(`${field} is no list`);
  return value.map((item) => interpolate(String(item), env));
}

/** A map, or a list of `NAME=value`; a name without a value takes the caller's. */
function readEnvironment(value: unknown, { env }: Context): Readonly<Record<string, string>> {
  const pairs: (readonly [string, unknown])[] = Array.isArray(value)
    ? value.map((item) => {
        const text = String(item);
        const equals = text.indexOf('=');
        return equals === -1 ? [text, undefined] : [text.slice(0, equals), text.slice(equals + 1)];
      })
    : Object.entries(fieldsOf(value));
  return Object.fromEntries(
    pairs.flatMap(([name, given]): (readonly [string, string])[] => {
      if (given === undefined || given === null) return env[name] === undefined ? [] : [[name, env[name]]];
      return [[name, interpolate(String(given), env)]];
    }),
  );
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { us: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 };

/** `10s`, `1m30s` (compose-spec, durations), rounded up: Docker counts whole seconds. */
function readSeconds(value: unknown, { env, fail }: Context): number {
  if (value === undefined || value === null) return DEFAULT_GRACE_SECONDS;
  const text = interpolate(String(value), env);
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(us|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) return fail(`"${text}" is no duration`);
  return Math.ceil(parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (UNIT_SECONDS[unit ?? ''] ?? 0), 0));
}
