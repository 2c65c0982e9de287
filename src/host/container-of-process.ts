import { readFile } from 'node:fs/promises';

/** The id of the container that a process of this machine is in, from its control group; undefined: in none, or it is gone. */
export async function containerOfProcess(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
  return /[0-9a-f]{64}/.exec(text)?.[0];
}
