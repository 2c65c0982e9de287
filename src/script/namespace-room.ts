import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  findProgram,
  type RoomOutput,
  type RoomPaths,
  type RoomPlan,
  writeProgramLinks,
  writeRoomFiles,
} from './make-room.ts';
import { layOutRoot, ROOM } from './namespace-root.ts';
import { PURE_PROGRAMS } from './program-names.ts';
import { runProcess } from './run-process.ts';
import { quoteWords } from './shell-quote.ts';

/** Longer than the room's own watch, which ends the script and still hands out what was recorded. */
const GRACE_MS = 20_000;
/** A user that owns nothing, so that the limit on processes counts those of this room: the script of a root caller runs as it. */
const FIRST_UID = 61_000;
const UIDS = 1_000;

/** The room could not be made on this machine; `message` says what failed. */
export class RoomUnavailable extends Error {}

/**
 * Runs the plan in namespaces of its own (mount, pid, network, ipc, uts, and user unless the caller is root): a root in memory in which
 * only libraries and pure programs are visible, read-only, the script's tree below an overlay. Returns the driver's output.
 * Throws RoomUnavailable where the kernel or a missing program does not allow it.
 */
export async function runInNamespaces(directory: string, plan: RoomPlan, signal: AbortSignal): Promise<RoomOutput> {
  const tools = Object.fromEntries(
    ['unshare', 'setpriv', 'mount', 'umount', 'pivot_root', 'bash'].map((name) => [name, findProgram(name)]),
  );
  const missing = Object.keys(tools).filter((name) => tools[name] === undefined);
  if (process.platform !== 'linux') throw new RoomUnavailable('namespaces need Linux');
  if (missing.length > 0) throw new RoomUnavailable(`${missing.join(', ')} not found (util-linux)`);

  const asRoot = process.getuid?.() === 0;
  const uid = FIRST_UID + (process.pid % UIDS);
  const visible = realDirectories();
  const inside = (path: string) =>
    `${ROOM}/real/${visible.indexOf(dirname(path))}/${path.slice(dirname(path).length + 1)}`;
  const python = findProgram('python3');
  const paths: RoomPaths = {
    room: ROOM,
    real: (name) => {
      const found = findProgram(name);
      return found === undefined ? undefined : inside(found);
    },
    python: python === undefined ? undefined : inside(python),
    confine: [
      inside(tools.setpriv ?? ''),
      ...(asRoot ? ['--reuid', String(uid), '--regid', String(uid), '--clear-groups'] : []),
      ...['--bounding-set=-all', '--inh-caps=-all', '--no-new-privs'],
    ],
    ownProcesses: true,
    userLimit: true,
    driverProcesses: 2,
  };
  const setup = layOut();
  function layOut(): string {
    // The script of a root caller is another user, who must be able to read all of it.
    const umask = process.umask(0o022);
    try {
      writeRoomFiles(directory, plan, paths);
      writeProgramLinks(join(directory, 'bin'), `${ROOM}/lib/stand-in`, paths, plan.invented);
      mkdirSync(join(directory, 'root'));
      return layOutRoot({ directory, plan, visible, uid: asRoot ? uid : undefined });
    } finally {
      process.umask(umask);
    }
  }
  const enter = quoteWords([inside(tools.umount ?? ''), '-l', `${ROOM}/old`]);
  const driver = quoteWords([inside(tools.bash ?? ''), '--norc', `${ROOM}/lib/driver`]);
  const result = await runProcess(
    {
      command: tools.unshare ?? 'unshare',
      args: [
        ...(asRoot ? [] : ['--user', '--map-root-user']),
        ...['--mount', '--pid', '--net', '--ipc', '--uts', '--fork', '--kill-child'],
        tools.bash ?? 'bash',
        '--norc',
        '-c',
        `${setup}\n${enter}\nexec ${driver}\n`,
      ],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
      timeoutMs: plan.limits.wallMs + GRACE_MS,
    },
    signal,
  );
  if (!result.stdout.subarray(0, 6).equals(Buffer.from('ready\n'))) {
    throw new RoomUnavailable(result.stderr.trim().split('\n').at(-1) ?? 'unshare failed');
  }
  return { output: result.stdout, timedOut: result.timedOut };
}

function realDirectories(): readonly string[] {
  const found = [...PURE_PROGRAMS, 'env', 'umount', 'setpriv', 'python3'].flatMap((name) => findProgram(name) ?? []);
  return [...new Set(found.map((path) => dirname(path)))];
}
