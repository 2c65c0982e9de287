import type { Etcd3 } from 'etcd3';

/**
 * A client of one server for what must be answered within `answerMs` from now: etcd3 repeats failed calls by itself, and one point in
 * time ends that (of the wall clock, as gRPC wants it). Watches have no deadline.
 */
export async function connectEtcd(
  place: { readonly host: string; readonly port: number },
  answerMs: number,
): Promise<Etcd3> {
  const { Etcd3: Client } = await import('etcd3');
  const host = place.host.includes(':') ? `[${place.host}]` : place.host;
  const deadline = Date.now() + answerMs;
  return new Client({
    hosts: `http://${host}:${place.port}`,
    dialTimeout: answerMs,
    defaultCallOptions: ({ isStream }) => (isStream ? {} : { deadline }),
  });
}
