import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../model/clock.ts';
import { parseRegistration, type Registration } from './parse-registration.ts';

/** Buckets of a runtime that registers in files: one folder each, one file a key, percent-encoded (facts/versions.md §2). */
const BUCKETS = ['v1/instances', 'v1/mdc'] as const;
const POLL_MS = 100;
/** A folder in which nothing has happened for a while is looked at less. */
const CALM_AFTER_MS = 5000;
const CALM_POLL_MS = 500;

/** `v1/instances` and `x%2Fbackend%2Fgenerate%2Fd5d2` are the key of etcd, `v1/instances/x/backend/generate/d5d2`. */
function keyOf(bucket: string, file: string): string {
  try {
    return `${bucket}/${decodeURIComponent(file)}`;
  } catch {
    return `${bucket}/${file}`;
  }
}

/** What is registered in a folder now, in the order of the keys; nothing where there is no folder yet. */
export async function readFileRegistrations(folder: string): Promise<readonly Registration[]> {
  const found = await Promise.all(
    BUCKETS.map(async (bucket) => {
      const files = await readdir(join(folder, bucket)).catch(() => []);
      return Promise.all(
        files.map(async (file): Promise<readonly Registration[]> => {
          // It may go, or be half written, at this moment: the next look shows it whole.
          const text = await readFile(join(folder, bucket, file), 'utf8').catch(() => '');
          const read = text === '' ? undefined : parseRegistration(keyOf(bucket, file), text);
          return read === undefined ? [] : [read];
        }),
      );
    }),
  );
  return found.flat(2).toSorted((a, b) => (a.key < b.key ? -1 : 1));
}

/** What is registered: at once, and again after each change until `signal` is aborted, which ends the iteration. */
export async function* watchFileRegistrations(
  { folder, clock }: { readonly folder: string; readonly clock: Clock },
  signal: AbortSignal,
): AsyncGenerator<readonly Registration[], void, undefined> {
  let said: string | undefined;
  let changedAt = clock.now();
  while (!signal.aborted) {
    const registrations = await readFileRegistrations(folder);
    const text = JSON.stringify(registrations);
    if (text !== said) {
      changedAt = clock.now();
      said = text;
      yield registrations;
    }
    try {
      await clock.sleep(clock.now() - changedAt > CALM_AFTER_MS ? CALM_POLL_MS : POLL_MS, signal);
    } catch {
      return;
    }
  }
}

/** Removes what these instances have registered; what is gone already is fine. */
export async function removeFileRegistrations(folder: string, instances: readonly string[]): Promise<void> {
  const ids = new Set(instances);
  await Promise.all(
    BUCKETS.map(async (bucket) => {
      const files = await readdir(join(folder, bucket)).catch(() => []);
      const theirs = files.filter((file) => ids.has(keyOf(bucket, file).split('/').at(-1) ?? ''));
      await Promise.all(theirs.map((file) => rm(join(folder, bucket, file), { force: true })));
    }),
  );
}
