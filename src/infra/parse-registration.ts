/** Something that a Dynamo process put into etcd (or a file) to be found: an endpoint that it serves, or a model. */
export type Registration = RegisteredInstance | RegisteredModel;

interface Place {
  readonly key: string;
  readonly namespace: string;
  readonly component: string;
  readonly endpoint: string;
}

export interface RegisteredInstance extends Place {
  readonly kind: 'instance';
  /** 64 bits in lower-case hex, as in the key: JSON numbers would lose its last digits. One lease, and so one process, per id. */
  readonly instance: string;
  /** Address of the worker on the TCP or HTTP request plane; undefined where requests go through NATS. */
  readonly host: string | undefined;
}

export interface RegisteredModel extends Place {
  readonly kind: 'model';
  /** Undefined for 0.4, whose entries name an endpoint and no instance. */
  readonly instance: string | undefined;
  /** The name under which frontends list it. */
  readonly model: string;
  /** As the runtime writes them: `Chat`, `Completions`, `Embedding`, `Prefill`; 0.4 says `Backend` for chat and completions. */
  readonly types: readonly string[];
  /** From 1.5 on: `prefill`, `decode`, `encode`, `aggregated`. */
  readonly workerType: string | undefined;
}

/** The key prefixes under which registrations stand, of every version (facts/versions.md §3); `namespace` may be the beginning of one. */
export function registrationPrefixes(namespace: string): readonly string[] {
  return [`instances/${namespace}`, 'models/', `v1/instances/${namespace}`, `v1/mdc/${namespace}`];
}

const HEX = /^[0-9a-f]{1,16}$/;

/**
 * Reads one key and its value, of any runtime version from 0.4 to 1.6; undefined for keys of other kinds (event channels, routers, the
 * model cards of 0.4, which outlive their workers) and for values that are not what their key promises.
 */
export function parseRegistration(key: string, value: string): Registration | undefined {
  const parts = key.split('/');
  if (parts[0] === 'instances' && parts.length === 4) return parseInstanceOf04(key, parts, value);
  if (parts[0] === 'models' && parts.length === 2) return parseModelOf04(key, value);
  if (parts[0] !== 'v1') return undefined;
  const [, kind, namespace = '', component = '', endpoint = '', instance = '', ...rest] = parts;
  if (!HEX.test(instance)) return undefined;
  const place = { key, namespace, component, endpoint };
  if (kind === 'instances' && rest.length === 0) return { kind: 'instance', ...place, instance, host: readHost(value) };
  // A LoRA adapter is a model of its own, one level further down.
  if (kind === 'mdc' && rest.length <= 1) return readCard(place, instance, value);
  return undefined;
}

/** `instances/NAMESPACE/COMPONENT/ENDPOINT:ID` */
function parseInstanceOf04(key: string, parts: readonly string[], value: string): Registration | undefined {
  const [, namespace = '', component = '', last = ''] = parts;
  const colon = last.lastIndexOf(':');
  const instance = last.slice(colon + 1);
  if (colon === -1 || !HEX.test(instance)) return undefined;
  return {
    kind: 'instance',
    key,
    namespace,
    component,
    endpoint: last.slice(0, colon),
    instance,
    host: readHost(value),
  };
}

/** `models/UUID`, which says in its value what it is. */
function parseModelOf04(key: string, value: string): Registration | undefined {
  const entry = parseFields(value);
  const { namespace, component, name: endpoint } = fieldsOf(entry.endpoint);
  if (typeof entry.name !== 'string' || typeof namespace !== 'string') return undefined;
  if (typeof component !== 'string' || typeof endpoint !== 'string') return undefined;
  const types = readTypes(entry.model_type);
  return {
    kind: 'model',
    key,
    namespace,
    component,
    endpoint,
    instance: undefined,
    model: entry.name,
    types,
    workerType: undefined,
  };
}

/** The card is the value itself up to 0.9, and its field `card_json` from 1.0 on. */
function readCard(place: Place, instance: string, value: string): Registration | undefined {
  const fields = parseFields(value);
  const card = fields.card_json === undefined ? fields : fieldsOf(fields.card_json);
  if (typeof card.display_name !== 'string') return undefined;
  return {
    kind: 'model',
    ...place,
    instance,
    model: card.display_name,
    types: readTypes(card.model_type),
    workerType: typeof card.worker_type === 'string' ? card.worker_type : undefined,
  };
}

function readTypes(value: unknown): readonly string[] {
  if (typeof value !== 'string') return [];
  return value
    .split('|')
    .map((type) => type.trim())
    .filter((type) => type !== '');
}

/** `{"transport": {"tcp": "10.0.0.3:33297/…"}}`, or `http` with a URL. */
function readHost(value: string): string | undefined {
  const transport = fieldsOf(parseFields(value).transport);
  const address = transport.tcp ?? transport.http;
  return typeof address === 'string'
    ? /^(?:\w+:\/\/)?(?:\[([0-9a-fA-F:]+)\]|([\w.-]+)):\d+/
        .exec(address)
        ?.slice(1)
        .find((host) => host)
    : undefined;
}

function parseFields(text: string): Readonly<Record<string, unknown>> {
  try {
    return fieldsOf(JSON.parse(text));
  } catch {
    return {};
  }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : {};
}
