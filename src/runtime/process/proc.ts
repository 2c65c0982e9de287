import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { REPLICA_FOLDER } from '../../model/process-paths.ts';

/** What /proc/PID/stat tells (proc(5)). */
export interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  /** Id of the session, which is the pid of the process that began it. */
  readonly session: number;
  /** `BOOT/TICKS`: unique on this machine, whatever becomes of the pid. */
  readonly startTime: string;
  /** It has ended and waits for its parent to notice. */
  readonly ended: boolean;
  /** Ticks of CPU time, user and system. */
  readonly cpuTicks: number;
  /** Pages in memory. */
  readonly residentPages: number;
}

/** Of this run of the kernel: times after boot mean nothing without it. */
function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

/** One line of /proc/PID/stat; the program's name stands in parentheses and may hold anything. */
export function parseStat(text: string, boot: string): ProcessStat | undefined {
  const end = text.lastIndexOf(')');
  const pid = Number.parseInt(text, 10);
  if (end === -1 || Number.isNaN(pid)) return undefined;
  // Field 3 (the state) comes first here.
  const fields = text.slice(end + 2).split(' ');
  const number = (field: number) => Number(fields[field - 3]);
  return {
    pid,
    parent: number(4),
    session: number(6),
    startTime: `${boot}/${fields[22 - 3] ?? ''}`,
    ended: fields[0] === 'Z' || fields[0] === 'X',
    cpuTicks: number(14) + number(15),
    residentPages: number(24),
  };
}

async function readStat(pid: number, boot: string): Promise<ProcessStat | undefined> {
  try {
    const stat = parseStat(await readFile(`/proc/${pid}/stat`, 'latin1'), boot);
    return stat?.ended ? undefined : stat;
  } catch {
    return undefined;
  }
}

/** When a child of this process began, which may have ended meanwhile: read at once, before anything is awaited, its pid is its own. */
export function readStartTime(child: number): string {
  return parseStat(readFileSync(`/proc/${child}/stat`, 'latin1'), readBootId())?.startTime ?? '';
}

/** True when the process with this pid is still the one that was started then. */
export async function isSameProcess(pid: number, startTime: string): Promise<boolean> {
  return (await readStat(pid, readBootId()))?.startTime === startTime;
}

/** True when the kernel gave the process this entry at its start. */
async function isMarked(pid: number, entry: string): Promise<boolean> {
  try {
    return `\0${await readFile(`/proc/${pid}/environ`, 'latin1')}`.includes(`\0${entry}\0`);
  } catch {
    return false;
  }
}

/** The first process of a container, as it was started. */
export interface FirstProcess {
  readonly pid: number;
  readonly startTime: string;
  /** Who asks has watched it since: when it has ended, what is left of its session is still its own. */
  readonly watched?: true;
}

/**
 * Every process of a container that runs now: those of the session that its first process began, where that is proven to be the same, and
 * those that have the container's mark in their environment, which children keep when they begin a session of their own. The session of
 * a first process that has ended may be another's by now, unless somebody has watched it.
 */
export async function findMembers(folder: string, first?: FirstProcess): Promise<readonly ProcessStat[]> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const boot = readBootId();
  const found = (await Promise.all(names.map((name) => readStat(Number(name), boot)))).flatMap((stat) => stat ?? []);
  const leader = first && found.find(({ pid }) => pid === first.pid);
  const isOurs = leader === undefined ? first?.watched === true : leader.startTime === first?.startTime;
  const session = isOurs ? first?.pid : undefined;
  const entry = Buffer.from(`${REPLICA_FOLDER}=${folder}`).toString('latin1');
  const members = await Promise.all(
    found.map(
      async (stat) => stat.pid !== process.pid && (stat.session === session || (await isMarked(stat.pid, entry))),
    ),
  );
  return found.filter((_, index) => members[index]);
}

/** Signals a process, unless its pid has gone to another one; true when it was there to be signalled. */
export async function signalProcess(
  { pid, startTime }: Pick<ProcessStat, 'pid' | 'startTime'>,
  signal: 'SIGTERM' | 'SIGKILL',
): Promise<boolean> {
  if (!(await isSameProcess(pid, startTime))) return false;
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** Kills what is left of a container until nothing is: who is killed may have made a child a moment before. */
export async function killMembers(folder: string, first?: FirstProcess): Promise<void> {
  for (;;) {
    const members = await findMembers(folder, first);
    if (members.length === 0) return;
    await Promise.all(members.map((member) => signalProcess(member, 'SIGKILL')));
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
