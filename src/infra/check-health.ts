import type { Clock } from '../model/clock.ts';
import { EXIT, UserError } from '../model/diagnostic.ts';
import { connectEtcd } from './connect-etcd.ts';
import { untilAborted } from './until-aborted.ts';

export interface InfraPlace {
  readonly service: 'etcd' | 'nats';
  readonly host: string;
  readonly port: number;
}

/** Milliseconds in which one request must be answered. */
const ANSWER_MS = 2000;
/** Milliseconds between looks at a port that is still closed. */
const POLL_MS = 20;
/** A server without JetStream stays without: this long it may be on its way. */
const JETSTREAM_GRACE_MS = 3000;

/** NATS answers, but its account has no JetStream. */
class NoJetStream extends Error {}

/** Reads from etcd: a member without a leader takes connections but answers no read. */
async function readEtcd(place: InfraPlace, signal: AbortSignal): Promise<void> {
  const client = await connectEtcd(place, ANSWER_MS);
  try {
    await untilAborted(client.get('dynamo/health').string(), signal);
  } finally {
    client.close();
  }
}

/** A round trip through NATS, and where it is needed an account with JetStream (by runtimes before 1.0, facts/versions.md §3). */
async function readNats(place: InfraPlace, jetStream: boolean, signal: AbortSignal): Promise<void> {
  const { connect } = await import('nats');
  signal.throwIfAborted();
  const host = place.host.includes(':') ? `[${place.host}]` : place.host;
  const connection = await connect({
    servers: `${host}:${place.port}`,
    name: 'dynamo',
    timeout: ANSWER_MS,
    reconnect: false,
    ignoreClusterUpdates: true,
  });
  try {
    await untilAborted(connection.flush(), signal);
    if (jetStream) await untilAborted(readAccount(connection), signal);
  } finally {
    await connection.close();
  }
}

async function readAccount(connection: import('nats').NatsConnection): Promise<void> {
  try {
    const streams = await connection.jetstreamManager({ timeout: ANSWER_MS });
    await streams.getAccountInfo();
  } catch (error) {
    // 503 is "no responders": nobody serves the JetStream API. 10039 and 10076 say that it is off for the account or the server.
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (['503', '10039', '10076'].includes(code)) throw new NoJetStream('JetStream is off', { cause: error });
    throw error;
  }
}

/** Starts loading the clients of these services, so that they are there when the servers are. */
export function prepareInfraClients(services: readonly ('etcd' | 'nats')[]): void {
  if (services.includes('etcd')) import('etcd3').catch(() => undefined);
  if (services.includes('nats')) import('nats').catch(() => undefined);
}

/** One real request on a connection of its own, which is closed again. Throws when it is not answered within two seconds. */
export function checkInfra(place: InfraPlace, jetStream: boolean, signal: AbortSignal): Promise<void> {
  return place.service === 'etcd' ? readEtcd(place, signal) : readNats(place, jetStream, signal);
}

export interface WaitForInfraOptions {
  readonly place: InfraPlace;
  /** NATS must have JetStream. */
  readonly jetStream: boolean;
  readonly clock: Clock;
  /** True once the TCP port takes connections: asked often, since it is cheap. */
  readonly portOpens: (place: InfraPlace, signal: AbortSignal) => Promise<boolean>;
  /** How an etcd is asked otherwise than by its own client, whose loading takes a third of a second. */
  readonly askEtcd?: (place: InfraPlace, signal: AbortSignal) => Promise<void>;
  readonly timeoutMs: number;
}

/**
 * Waits until the server answers a real request. Throws INFRA_NOT_READY (exit 5) after `timeoutMs`, NATS_NO_JETSTREAM (exit 3) when
 * NATS is up without it; rejects with the signal's reason when that is aborted.
 */
export async function waitForInfra(options: WaitForInfraOptions, signal: AbortSignal): Promise<void> {
  const { place, clock } = options;
  const startedAt = clock.now();
  let withoutSince: number | undefined;
  let last: unknown;
  for (;;) {
    signal.throwIfAborted();
    if (await options.portOpens(place, signal)) {
      try {
        if (place.service === 'etcd' && options.askEtcd) await options.askEtcd(place, signal);
        else await checkInfra(place, options.jetStream, signal);
        return;
      } catch (error) {
        signal.throwIfAborted();
        last = error;
        withoutSince = error instanceof NoJetStream ? (withoutSince ?? clock.now()) : undefined;
      }
    }
    const now = clock.now();
    if (withoutSince !== undefined && now - withoutSince >= JETSTREAM_GRACE_MS) throw noJetStream(place);
    if (now - startedAt >= options.timeoutMs) throw notReady(place, last);
    await clock.sleep(POLL_MS, signal);
  }
}

function noJetStream(place: InfraPlace): UserError {
  return new UserError('NATS_NO_JETSTREAM', `NATS at ${place.host}:${place.port} runs without JetStream`, {
    exitCode: EXIT.preflight,
    hint: 'start nats-server with --jetstream',
    replica: 'nats',
  });
}

function notReady(place: InfraPlace, last: unknown): UserError {
  const why = last instanceof Error ? `: ${last.message}` : '';
  return new UserError('INFRA_NOT_READY', `${place.service} at ${place.host}:${place.port} does not answer${why}`, {
    exitCode: EXIT.notReady,
    hint: `dynamo logs ${place.service} shows what it says`,
    replica: place.service,
    cause: last,
  });
}
