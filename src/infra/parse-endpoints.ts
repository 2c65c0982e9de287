import { UserError } from '../model/diagnostic.ts';

/** Servers that run already, as the containers of the project reach them. `host` is without the brackets of IPv6. */
export interface InfraEndpoints {
  readonly etcd: InfraEndpoint;
  readonly nats: InfraEndpoint;
}

interface InfraEndpoint {
  readonly url: string;
  readonly host: string;
  readonly port: number;
}

type Service = 'etcd' | 'nats';

const DEFAULT_PORT: Readonly<Record<Service, number>> = { etcd: 2379, nats: 4222 };
const SCHEME: Readonly<Record<Service, string>> = { etcd: 'http', nats: 'nats' };
const HOW = { hint: 'write --infra-endpoints etcd=http://HOST:2379,nats=nats://HOST:4222' };

/** `etcd=ADDRESS,nats=ADDRESS`, both needed, in any order; loopback is for processes (`onHost`). Throws a UserError (exit 2) that says how to write it. */
export function parseInfraEndpoints(text: string, onHost = false): InfraEndpoints {
  const parts = new Map<string, string>();
  for (const part of text.split(',').map((piece) => piece.trim())) {
    const [, service = '', address = ''] = /^(\w+)=(.*)$/.exec(part) ?? [];
    if (service !== 'etcd' && service !== 'nats') {
      throw new UserError(
        'INFRA_ENDPOINTS',
        `--infra-endpoints: "${hideUser(part)}" is neither etcd=ADDRESS nor nats=ADDRESS`,
        HOW,
      );
    }
    if (parts.has(service)) {
      throw new UserError('INFRA_ENDPOINTS', `--infra-endpoints names ${service} twice`, HOW);
    }
    parts.set(service, address.trim());
  }
  return { etcd: parseOne('etcd', parts.get('etcd'), onHost), nats: parseOne('nats', parts.get('nats'), onHost) };
}

function parseOne(service: Service, text: string | undefined, onHost: boolean): InfraEndpoint {
  if (text === undefined || text === '') {
    throw new UserError('INFRA_ENDPOINTS', `--infra-endpoints names no ${service}`, HOW);
  }
  if (text.includes('@')) {
    throw new UserError('INFRA_ENDPOINTS', `--infra-endpoints: the address of ${service} holds a user`, {
      hint: 'servers that ask for a user are not supported: name one that is open to this machine',
    });
  }
  const match = /^(?:([a-z]+):\/\/)?(\[[0-9a-f:]+\]|[\w.-]+)(?::(\d{1,5}))?\/?$/i.exec(text);
  const [, scheme = SCHEME[service], host = '', port = String(DEFAULT_PORT[service])] = match ?? [];
  if (!match || Number(port) < 1 || Number(port) > 65_535) {
    throw new UserError('INFRA_ENDPOINTS', `--infra-endpoints: "${text}" is no address of ${service}`, HOW);
  }
  if (scheme.toLowerCase() !== SCHEME[service]) {
    throw new UserError(
      'INFRA_ENDPOINTS',
      `--infra-endpoints: ${service} is asked for with ${SCHEME[service]}://, not ${scheme}://`,
      HOW,
    );
  }
  if (!onHost) refuseLoopback(service, host);
  return { url: `${SCHEME[service]}://${host}:${port}`, host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

/** A container's loopback is its own: whichever way we reach containers, they reach nothing of this machine by that name. */
function refuseLoopback(service: Service, host: string): void {
  if (!/^(?:localhost|127(?:\.\d+){0,3}|0\.0\.0\.0|\[::1?\])$/i.test(host)) return;
  throw new UserError(
    'INFRA_ENDPOINT_LOOPBACK',
    `--infra-endpoints: containers cannot reach ${service} at ${host}, which is their own loopback`,
    {
      hint: `name an address of this machine that ${service} listens on and containers can reach, such as its address in the network; ip -brief address lists them`,
    },
  );
}

/** A password must not come back in a message. */
function hideUser(text: string): string {
  return text.replace(/\/\/.*@/, '//…@');
}
