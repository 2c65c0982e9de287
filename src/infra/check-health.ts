import type { Clock } from '../model/clock.ts';
import { EXIT, UserError } from '../model/diagnostic.ts';

export interface InfraPlace {
  readonly service: 'etcd' | 'nats';
  readonly host: string;
  readonly port: number;
}

/** One request to etcd must be answered within this. */
const ANSWER_MS = 2000;

/** Reads from etcd: a member without a leader answers its port but no read. Throws what went wrong. */
async function readEtcd(place: InfraPlace): Promise<void> {
  const { Etcd3 } = await import('etcd3');
  const client = new Etcd3({
    hosts: `http://${place.host}:${place.port}`,
    dialTimeout: ANSWER_MS,
    defaultCallOptions: () => ({ deadline: Date.now() + ANSWER_MS }),
  });
  try {
    await client.get('dynamo/health').string();
  } finally {
    client.close();
  }
}

/** A round trip through NATS, and an account with JetStream, which runtimes before 1.0 cannot do without. */
async function readNats(place: InfraPlace): Promise<void> {
  const { connect } = await import('nats');
  const connection = await connect({
    servers: `${place.host}:${place.port}`,
    timeout: ANSWER_MS,
    reconnect: false,
    maxReconnectAttempts: 0,
  });
  try {
    await connection.flush();
    await (await connection.jetstreamManager({ timeout: ANSWER_MS })).getAccountInfo();
  } finally {
    await connection.close();
  }
}

/** Starts loading the clients, so that they are there when the servers are. */
export function prepareInfraClients(): void {
  import('etcd3').catch(() => undefined);
  import('nats').catch(() => undefined);
}

/** One real request. Throws when it is not answered. */
export function checkInfra(place: InfraPlace): Promise<void> {
  return place.service === 'etcd' ? readEtcd(place) : readNats(place);
}

export interface WaitForInfraOptions {
  readonly place: InfraPlace;
  readonly clock: Clock;
  /** True once the TCP port takes connections: asked often, since it is cheap. */
  readonly portOpens: (place: InfraPlace, signal: AbortSignal) => Promise<boolean>;
  readonly timeoutMs: number;
}

/** Waits until the server answers a real request. UserError INFRA_NOT_READY (exit 5) after `timeoutMs`. */
export async function waitForInfra(options: WaitForInfraOptions, signal: AbortSignal): Promise<void> {
  const { place, clock } = options;
  const deadline = clock.now() + options.timeoutMs;
  let last: unknown;
  for (;;) {
    signal.throwIfAborted();
    if (await options.portOpens(place, signal)) {
      try {
        await checkInfra(place);
        return;
      } catch (error) {
        last = error;
      }
    }
    if (clock.now() >= deadline) {
      const why = last instanceof Error ? `: ${last.message}` : '';
      throw new UserError('INFRA_NOT_READY', `${place.service} at ${place.host}:${place.port} does not answer${why}`, {
        exitCode: EXIT.notReady,
        hint: `dynamo logs ${place.service} shows what it says`,
        cause: last,
      });
    }
    await clock.sleep(20, signal);
  }
}
