import { UserError } from '../model/diagnostic.ts';

/** Servers that run already, as the containers of the project reach them. */
export interface InfraEndpoints {
  readonly etcd: { readonly url: string; readonly host: string; readonly port: number };
  readonly nats: { readonly url: string; readonly host: string; readonly port: number };
}

const DEFAULT_PORT = { etcd: 2379, nats: 4222 } as const;
const SCHEME = { etcd: 'http', nats: 'nats' } as const;

function parseOne(service: 'etcd' | 'nats', text: string): InfraEndpoints['etcd'] {
  const match = /^(?:([a-z]+):\/\/)?(\[[0-9a-f:]+\]|[\w.-]+)(?::(\d+))?\/?$/i.exec(text);
  if (!match) {
    throw new UserError('INFRA_ENDPOINTS', `--infra-endpoints: "${text}" is no address of ${service}`, {
      hint: 'write etcd=http://HOST:2379,nats=nats://HOST:4222',
    });
  }
  const [, scheme = SCHEME[service], host = '', port = String(DEFAULT_PORT[service])] = match;
  if (/^(localhost|127\.|\[::1\])/.test(host)) {
    throw new UserError(
      'INFRA_LOOPBACK',
      `--infra-endpoints: containers cannot reach ${service} on ${host}, which is their own loopback`,
      {
        hint: "name an address that the server listens on and that the project's bridge can reach, for example this machine's own",
      },
    );
  }
  return { url: `${scheme}://${host}:${port}`, host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

/** `etcd=ADDRESS,nats=ADDRESS`, both needed. Throws a UserError (exit 2) that says how to write it. */
export function parseInfraEndpoints(text: string): InfraEndpoints {
  const parts = new Map(
    text.split(',').map((part): readonly [string, string] => {
      const equals = part.indexOf('=');
      return [part.slice(0, equals), part.slice(equals + 1)];
    }),
  );
  const etcd = parts.get('etcd');
  const nats = parts.get('nats');
  if (!etcd || !nats || parts.size !== 2) {
    throw new UserError('INFRA_ENDPOINTS', `--infra-endpoints: "${text}" does not name etcd and nats`, {
      hint: 'write etcd=http://HOST:2379,nats=nats://HOST:4222',
    });
  }
  return { etcd: parseOne('etcd', etcd), nats: parseOne('nats', nats) };
}
