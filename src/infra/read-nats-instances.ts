import { untilAborted } from './until-aborted.ts';

/** Milliseconds in which NATS must answer, and for which services may: each process answers for itself. */
const ANSWER_MS = 2000;
const GATHER_MS = 150;

/**
 * Ids (hex) of the instances that take requests as NATS services: runtimes before 0.9 serve each endpoint under the subject
 * `NAMESPACE_COMPONENT.ENDPOINT-ID` (facts/versions.md §3). Empty when nobody serves. Throws when NATS does not answer.
 */
export async function readNatsInstances(
  place: { readonly host: string; readonly port: number },
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const { connect, RequestStrategy } = await import('nats');
  signal.throwIfAborted();
  const host = place.host.includes(':') ? `[${place.host}]` : place.host;
  const connection = await connect({ servers: `${host}:${place.port}`, timeout: ANSWER_MS, reconnect: false });
  const found = new Set<string>();
  const gather = async () => {
    const client = connection.services.client({ strategy: RequestStrategy.Timer, maxWait: GATHER_MS });
    for await (const service of await client.info()) {
      for (const { subject } of service.endpoints) {
        const id = /-([0-9a-f]{1,16})$/.exec(subject)?.[1];
        if (id !== undefined) found.add(id);
      }
    }
  };
  try {
    await untilAborted(gather(), signal);
  } catch (error) {
    // 503 is "no responders": there is no service yet.
    if (!(error instanceof Error && 'code' in error && error.code === '503')) throw error;
  } finally {
    await connection.close();
  }
  return found;
}
