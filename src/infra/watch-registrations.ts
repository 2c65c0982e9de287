import type { Etcd3, IKeyValue, Watcher } from 'etcd3';
import type { Clock } from '../model/clock.ts';
import { connectEtcd } from './connect-etcd.ts';
import { parseRegistration, type Registration, registrationPrefixes } from './parse-registration.ts';
import { untilAborted } from './until-aborted.ts';

export interface WatchRegistrationsOptions {
  readonly etcd: { readonly host: string; readonly port: number };
  /** Only namespaces that begin with this are of interest; `''`: all. */
  readonly namespace: string;
  readonly clock: Clock;
}

/** Milliseconds in which a read must be answered. */
const ANSWER_MS = 2000;
/** Milliseconds until a server that went away is asked again. */
const RETRY_MS = 250;
/** Milliseconds that a server gets to confirm that nobody watches any more. */
const GOODBYE_MS = 200;

/** What is registered now, in the order of the keys. Throws when etcd does not answer. */
export async function readRegistrations(
  options: Omit<WatchRegistrationsOptions, 'clock'>,
  signal: AbortSignal,
): Promise<readonly Registration[]> {
  const client = await connectEtcd(options.etcd, ANSWER_MS);
  try {
    const { entries } = await untilAborted(readSnapshot(client, options.namespace), signal);
    return inOrder(entries, options.namespace);
  } finally {
    client.close();
  }
}

/**
 * What is registered: at once, and again after each change until `signal` is aborted, which ends the iteration. Nothing is missed: the
 * watch begins at the revision of the read. When etcd goes away (or comes back empty) it is read anew; meanwhile nothing is said.
 */
export async function* watchRegistrations(
  options: WatchRegistrationsOptions,
  signal: AbortSignal,
): AsyncGenerator<readonly Registration[], void, undefined> {
  let said: string | undefined;
  while (!signal.aborted) {
    const client = await connectEtcd(options.etcd, ANSWER_MS);
    try {
      for await (const entries of watchOnce(client, options.namespace, signal)) {
        const registrations = inOrder(entries, options.namespace);
        const text = JSON.stringify(registrations);
        if (text !== said) yield registrations;
        said = text;
      }
    } catch (error) {
      const { isRecoverableError } = await import('etcd3');
      const away = error instanceof Error && isRecoverableError(error);
      if (!signal.aborted && !away) throw error;
    } finally {
      client.close();
    }
    try {
      await options.clock.sleep(RETRY_MS, signal);
    } catch {
      return;
    }
  }
}

type Entries = ReadonlyMap<string, string>;

function inOrder(entries: Entries, namespace: string): readonly Registration[] {
  return [...entries]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([key, value]) => parseRegistration(key, value) ?? [])
    .filter((entry) => entry.namespace.startsWith(namespace));
}

/** All prefixes in one transaction, so at one revision. */
async function readSnapshot(
  client: Etcd3,
  namespace: string,
): Promise<{ readonly revision: string; readonly entries: Map<string, string> }> {
  const ranges = registrationPrefixes(namespace).map((prefix) => client.getAll().prefix(prefix));
  const always = client.if('dynamo/never-written', 'Version', '==', 0);
  const { header, responses } = await always.then(...ranges).commit();
  const found = responses.flatMap(({ response_range }) => response_range.kvs);
  return {
    revision: header.revision,
    entries: new Map(found.map(({ key, value }) => [key.toString(), value.toString()])),
  };
}

/** The entries, and again after each change; ends when the server goes away. */
async function* watchOnce(
  client: Etcd3,
  namespace: string,
  signal: AbortSignal,
): AsyncGenerator<Entries, void, undefined> {
  const { revision, entries } = await untilAborted(readSnapshot(client, namespace), signal);
  const from = (BigInt(revision) + 1n).toString();
  let over = signal.aborted;
  let changed = true;
  let wake = (): void => undefined;
  const end = () => {
    over = true;
    wake();
  };
  const apply = (change: () => void) => {
    change();
    changed = true;
    wake();
  };
  const watchers: Watcher[] = [];
  const listen = (watcher: Watcher) => {
    watchers.push(watcher);
    watcher.on('put', ({ key, value }: IKeyValue) => apply(() => entries.set(key.toString(), value.toString())));
    watcher.on('delete', ({ key }: IKeyValue) => apply(() => entries.delete(key.toString())));
    // A server that comes back with an older revision would keep silent until it has caught up: a new read is safe.
    watcher.on('disconnected', end);
    watcher.on('error', end);
    if (over) void stop(watcher);
  };
  signal.addEventListener('abort', end, { once: true });
  try {
    for (const prefix of registrationPrefixes(namespace)) {
      client.watch().prefix(prefix).startRevision(from).create().then(listen, end);
    }
    while (!over) {
      if (changed) {
        changed = false;
        yield new Map(entries);
      }
      if (!over && !changed) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    over = true;
    signal.removeEventListener('abort', end);
    await Promise.all(watchers.map(stop));
  }
}

/** A stream of a watcher that is not cancelled keeps the process alive, even after the client is closed. */
async function stop(watcher: Watcher): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, GOODBYE_MS);
  });
  await Promise.race([watcher.cancel().catch(() => undefined), late]);
  clearTimeout(timer);
}
