import { acquireLock, type LockOptions } from '../host/acquire-lock.ts';
import type { Io } from './io.ts';

/** What `down` asks of an `up` that has the lock. */
export const LEAVE = 'leave';

/** The lock of a project on one engine: who changes its containers holds it. `verb` tells others who that is: `dynamo up agg.yaml`. */
export function lockProject(
  project: string,
  verb: string,
  io: Io,
  options: Pick<LockOptions, 'ask' | 'onAsked' | 'onWait'>,
  signal: AbortSignal,
): Promise<AsyncDisposable> {
  const name = `project/${project}@${io.env.DOCKER_HOST ?? ''}`;
  return acquireLock({ ...options, name, holder: `${verb} (pid ${process.pid})`, clock: io.clock }, signal);
}
