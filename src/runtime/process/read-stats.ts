import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerStats } from '../../model/runtime.ts';
import { readContainer } from './container-state.ts';
import { findMembers, type ProcessStat } from './proc.ts';

/** Linux counts CPU time for user space in hundredths of a second, whatever the kernel's own tick (proc(5), sysconf(_SC_CLK_TCK)). */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;
const APART_MS = 1000;

function sum(members: readonly ProcessStat[], field: 'cpuTicks' | 'residentPages'): number {
  return members.reduce((total, member) => total + member[field], 0);
}

/** What all processes of each running container use, from two looks a second apart; those that are gone are left out. */
export async function readStats(
  containers: readonly { readonly name: string; readonly folder: string }[],
  signal: AbortSignal,
): Promise<readonly ContainerStats[]> {
  const look = () => Promise.all(containers.map(({ folder }) => membersOf(folder)));
  const before = await look();
  const startedAt = performance.now();
  await sleep(APART_MS, undefined, { signal });
  const after = await look();
  const seconds = (performance.now() - startedAt) / 1000;
  return containers.flatMap(({ name }, index) => {
    const [then, now] = [before[index], after[index]];
    if (!then?.length || !now?.length) return [];
    // A process that ended in between took its time with it.
    const ticks = Math.max(0, sum(now, 'cpuTicks') - sum(then, 'cpuTicks'));
    return [{ name, cpus: ticks / TICKS_PER_SECOND / seconds, memoryBytes: sum(now, 'residentPages') * PAGE_BYTES }];
  });
}

async function membersOf(folder: string): Promise<readonly ProcessStat[]> {
  const read = await readContainer(folder);
  if (read?.kind !== 'whole' || read.state.status !== 'running') return [];
  const { pid, startTime } = read.state;
  return findMembers(folder, pid === undefined || startTime === undefined ? undefined : { pid, startTime });
}
