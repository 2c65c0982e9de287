import { existsSync, lstatSync, mkdirSync, readlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  findProgram,
  type RoomOutput,
  type RoomPaths,
  type RoomPlan,
  searchesIn,
  writeProgramLinks,
  writeRoomFiles,
} from './make-room.ts';
import { PURE_PROGRAMS } from './program-names.ts';
import { runProcess } from './run-process.ts';
import { isBelow } from './script-tree.ts';
import { quoteWord, quoteWords } from './shell-quote.ts';

const ROOM = '/.dynamo';
const RECORD_BYTES = 64 * 1024 * 1024;
const OUTPUT_BYTES = 16 * 1024 * 1024;
/** Longer than the room's own watch, which ends the script and still hands out what was recorded. */
const GRACE_MS = 5_000;
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
    driverProcesses: 2,
  };
  writeRoomFiles(directory, plan, paths);
  writeProgramLinks(join(directory, 'bin'), `${ROOM}/lib/stand-in`, paths, plan.invented);
  mkdirSync(join(directory, 'root'));
  const setup = setupText(directory, plan, visible, asRoot ? uid : undefined, inside(tools.umount ?? ''), paths);
  const result = await runProcess(
    {
      command: tools.unshare ?? 'unshare',
      args: [
        ...(asRoot ? [] : ['--user', '--map-root-user']),
        ...['--mount', '--pid', '--net', '--ipc', '--uts', '--fork', '--kill-child'],
        tools.bash ?? 'bash',
        '--norc',
        '-c',
        setup,
      ],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
      timeoutMs: plan.limits.wallMs + GRACE_MS,
    },
    signal,
  );
  if (!result.stdout.subarray(0, 6).equals(Buffer.from('ready\n'))) {
    throw new RoomUnavailable(result.stderr.trim().split('\n').at(-1) ?? 'unshare failed');
  }
  return { output: result.stdout };
}

function realDirectories(): readonly string[] {
  const found = [...PURE_PROGRAMS, 'env', 'umount', 'setpriv', 'python3'].flatMap((name) => findProgram(name) ?? []);
  return [...new Set(found.map((path) => dirname(path)))];
}

/** Shell text that builds the root of the room and hands over to the driver. */
function setupText(
  directory: string,
  plan: RoomPlan,
  visible: readonly string[],
  uid: number | undefined,
  umount: string,
  paths: RoomPaths,
): string {
  const root = join(directory, 'root');
  const at = (path: string) => quoteWord(root + path);
  const bind = (source: string, target: string) => `place ${quoteWord(source)} ${at(target)}`;
  const libraries = [
    '/lib',
    '/lib32',
    '/lib64',
    '/libx32',
    '/usr/lib',
    '/usr/lib32',
    '/usr/lib64',
    '/usr/libx32',
    '/nix/store',
  ].filter((path) => existsSync(path));
  const linked = libraries.filter((path) => lstatSync(path).isSymbolicLink());
  const bound = libraries.filter((path) => !linked.includes(path));
  const devices = ['null', 'zero', 'random', 'urandom'];
  const tree = plan.tree;
  const made = [
    ...[
      '/usr/bin',
      '/usr/local',
      '/proc',
      '/dev/shm',
      '/tmp',
      '/etc',
      '/home/dynamo',
      '/var/tmp',
      '/run',
      '/opt',
      '/workspace',
      tree,
    ],
    ...[`${ROOM}/lib`, `${ROOM}/records`, `${ROOM}/out`, `${ROOM}/old`, `${ROOM}/space`],
    ...bound,
    ...visible.map((_, index) => `${ROOM}/real/${index}`),
  ];
  const space = `${root}${ROOM}/space`;
  const overlay = `lowerdir=${escapeLayer(tree)},upperdir=${escapeLayer(`${space}/over`)},workdir=${escapeLayer(`${space}/work`)}`;
  const open = ['tmp', 'home'].map((name) => `${ROOM}/space/${name}`);
  return [
    'set -e',
    // Outside the first user namespace a bind keeps the flags of its source only when they are asked for; submounts come along where they are locked to it.
    'place() { mount -o bind,ro,nosuid,nodev "$1" "$2" 2>/dev/null || mount -o rbind "$1" "$2"; }',
    `mount -t tmpfs -o mode=755,nosuid,nodev tmpfs ${quoteWord(root)}`,
    `mkdir -p ${made.map(at).join(' ')}`,
    // Apart, so that a script that fills its disk still writes down what it starts.
    `mount -t tmpfs -o mode=1777,nosuid,nodev,size=${RECORD_BYTES} tmpfs ${at(`${ROOM}/records`)}`,
    `mount -t tmpfs -o mode=1777,nosuid,nodev,size=${OUTPUT_BYTES} tmpfs ${at(`${ROOM}/out`)}`,
    `mount -t tmpfs -o mode=755,nosuid,nodev,size=${plan.limits.writtenBytes} tmpfs ${at(`${ROOM}/space`)}`,
    `mkdir ${['over', 'work', 'tmp', 'home'].map((name) => at(`${ROOM}/space/${name}`)).join(' ')}`,
    `chmod 1777 ${open.map(at).join(' ')}`,
    `mount --bind ${at(`${ROOM}/space/tmp`)} ${at('/tmp')}`,
    `mount --bind ${at(`${ROOM}/space/home`)} ${at('/home/dynamo')}`,
    `ln -s /tmp ${at('/var/tmp')}`,
    `ln -s /tmp ${at('/run')}`,
    `ln -s /tmp ${at('/dev/shm')}`,
    `ln -s usr/bin ${at('/bin')}`,
    `ln -s usr/bin ${at('/sbin')}`,
    `ln -s bin ${at('/usr/sbin')}`,
    `ln -s ../bin ${at('/usr/local/bin')}`,
    `ln -s ../bin ${at('/usr/local/sbin')}`,
    ...linked.map((path) => `ln -s ${quoteWord(readlinkSync(path))} ${at(path)}`),
    ...bound.map((path) => bind(path, path)),
    ...visible.map((path, index) => bind(path, `${ROOM}/real/${index}`)),
    bind(join(directory, 'bin'), '/usr/bin'),
    bind(join(directory, 'lib'), `${ROOM}/lib`),
    ...(existsSync('/etc/ld.so.cache') ? [`cp /etc/ld.so.cache ${at('/etc/ld.so.cache')}`] : []),
    `printf 'root:x:0:0::/home/dynamo:/bin/bash\\ndynamo:x:${uid ?? 1000}:${uid ?? 1000}::/home/dynamo:/bin/bash\\n' >${at('/etc/passwd')}`,
    `: ${devices.map((name) => `>${at(`/dev/${name}`)}`).join(' ')}`,
    ...devices.map((name) => `mount -o bind /dev/${name} ${at(`/dev/${name}`)}`),
    `ln -s /proc/self/fd ${at('/dev/fd')}`,
    ...['stdin', 'stdout', 'stderr'].map((name, fd) => `ln -s /proc/self/fd/${fd} ${at(`/dev/${name}`)}`),
    `mount -t proc -o nosuid,nodev,noexec proc ${at('/proc')}`,
    `mount -t overlay -o ${quoteWord(overlay)} overlay ${at(tree)}`,
    ...(tree === '/workspace' ? [] : [`mount --bind ${at(tree)} ${at('/workspace')}`]),
    ...(uid === undefined ? [] : [ownTree(plan, root, uid)]),
    ...inventText(plan, root),
    // What the room is made of stays, whatever the script removes.
    `mount -o remount,bind,ro,nosuid,nodev ${quoteWord(root)}`,
    `cd ${quoteWord(root)}`,
    `pivot_root . .${ROOM}/old`,
    'cd /',
    `${umount} -l ${ROOM}/old`,
    `exec ${quoteWords([paths.real('bash') ?? 'bash', '--norc', `${ROOM}/lib/driver`])}`,
  ].join('\n');
}

/** Gives the directories around the script to its user: some scripts write beside themselves, and lower files keep their owner. */
function ownTree(plan: RoomPlan, root: string, uid: number): string {
  const above: string[] = [];
  for (let here = dirname(plan.script); here !== plan.tree && isBelow(here, plan.tree); here = dirname(here))
    above.push(root + here);
  const near = `find ${quoteWord(root + dirname(plan.script))} ${quoteWord(root + plan.cwd)} -maxdepth 2 -xdev -type d -print0 | head -z -n 200`;
  return `{ ${near}; printf '%s\\0' ${quoteWords([...above, root + plan.tree, root + plan.script])}; } | xargs -0 chown ${uid}:${uid}`;
}

/** Programs that the script calls by a path that is not there get a stand-in; an `activate` to source gets an empty file. */
function inventText(plan: RoomPlan, root: string): readonly string[] {
  return plan.invented
    .filter((path) => !searchesIn(dirname(path)))
    .flatMap((path) => {
      const target = quoteWord(root + path);
      const make = /\/activate$/.test(path) ? `: >${target}` : `ln -s ${ROOM}/lib/stand-in ${target}`;
      return [`{ mkdir -p ${quoteWord(dirname(root + path))} && { [ -e ${target} ] || ${make}; }; } || true`];
    });
}

/** Overlay options separate layers by colons and options by commas. */
function escapeLayer(path: string): string {
  return path.replace(/[\\:,]/g, (character) => `\\${character}`);
}
