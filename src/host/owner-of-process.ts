import { readFile, stat } from 'node:fs/promises';
import { REPLICA_FOLDER } from '../model/process-paths.ts';

/** The id of the container that a process of this machine is in, from its control group; undefined: in none, or it is gone. */
export async function containerOfProcess(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
  return /[0-9a-f]{64}/.exec(text)?.[0];
}

/**
 * Whose a process is: `other` when it can be seen to be in no container and of no replica of ours; `replica` when it may be one's, also
 * where nobody can tell (a driver may count pids of another namespace).
 */
export async function ownerOfProcess(pid: number): Promise<'replica' | 'other'> {
  const isHere = await stat(`/proc/${pid}`).then(
    () => true,
    () => false,
  );
  if (!isHere || (await containerOfProcess(pid)) !== undefined) return 'replica';
  const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
  return environment.includes(`${REPLICA_FOLDER}=`) ? 'replica' : 'other';
}
