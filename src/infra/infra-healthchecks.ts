import { parse } from 'yaml';
import type { Json } from '../model/node.ts';

/** The health checks of a file like compose/infra.yaml, for whoever writes a compose file; undefined where a service has none. */
export function readInfraHealthchecks(text: string): Readonly<Record<'etcd' | 'nats', Json>> {
  const document: { readonly services?: Readonly<Record<string, { readonly healthcheck?: Json }>> } = parse(text);
  const of = (service: string): Json => document.services?.[service]?.healthcheck ?? null;
  return { etcd: of('etcd'), nats: of('nats') };
}
