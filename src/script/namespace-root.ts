import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type RoomPlan, searchesIn } from './make-room.ts';
import { isBelow } from './script-tree.ts';
import { quoteWord, quoteWords } from './shell-quote.ts';

export const ROOM = '/.dynamo';
const RECORD_BYTES = 64 * 1024 * 1024;
const OUTPUT_BYTES = 16 * 1024 * 1024;
const LIBRARIES = [
  '/lib',
  '/lib32',
  '/lib64',
  '/libx32',
  '/usr/lib',
  '/usr/lib32',
  '/usr/lib64',
  '/usr/libx32',
  // What stdbuf loads into the programs behind it.
  '/usr/libexec/coreutils',
  '/nix/store',
] as const;
const DEVICES = ['null', 'zero', 'urandom', 'random'] as const;
const READ_ONLY = 'bind,ro,nosuid,nodev';
/** Directories around the script that are given to its user. */
const OWNED_DIRECTORIES = 200;

export interface NamespaceRoot {
  /** Private directory of the run; `root` below it becomes the root of the room, `bin` and `lib` stand there already. */
  readonly directory: string;
  readonly plan: RoomPlan;
  /** Directories with real programs, in the order of their numbers below `/.dynamo/real`. */
  readonly visible: readonly string[];
  /** User of the script where the caller is root. */
  readonly uid: number | undefined;
}

interface Mount {
  readonly source: string;
  readonly target: string;
  readonly type: string;
  readonly options: string;
}

/**
 * Lays out the root as directories, links and two tables of mounts, and returns the shell text that mounts them and makes it the root:
 * few processes, since each costs milliseconds. Everything but the script's tree, /tmp and HOME is read-only.
 */
export function layOutRoot(layout: NamespaceRoot): string {
  const { directory, plan, visible, uid } = layout;
  const root = join(directory, 'root');
  const libraries = LIBRARIES.filter((path) => existsSync(path));
  const bound = libraries.filter((path) => !lstatSync(path).isSymbolicLink());
  makeSkeleton(layout, root, bound, libraries);
  const tmpfs = (target: string, mode: string, bytes: number): Mount => ({
    source: 'tmpfs',
    target,
    type: 'tmpfs',
    options: `mode=${mode},nosuid,nodev,size=${bytes}`,
  });
  const bind = (source: string, target: string, options: string = READ_ONLY): Mount => ({
    source,
    target,
    type: 'none',
    options,
  });
  const space = `${root}${ROOM}/space`;
  const first: readonly Mount[] = [
    { source: root, target: root, type: 'none', options: 'bind' },
    ...bound.map((path) => bind(path, root + path)),
    ...visible.map((path, index) => bind(path, `${root}${ROOM}/real/${index}`)),
    bind(join(directory, 'bin'), `${root}/usr/bin`),
    bind(join(directory, 'lib'), `${root}${ROOM}/lib`),
    ...DEVICES.map((name) => bind(`/dev/${name}`, `${root}/dev/${name}`, 'bind')),
    { source: 'proc', target: `${root}/proc`, type: 'proc', options: 'nosuid,nodev,noexec' },
    tmpfs(`${root}/tmp`, '1777', plan.limits.writtenBytes),
    tmpfs(`${root}/home/dynamo`, '1777', plan.limits.writtenBytes),
    tmpfs(space, '755', plan.limits.writtenBytes),
    // Apart, so that a script that fills its disk still writes down what it starts.
    tmpfs(`${root}${ROOM}/records`, '1777', RECORD_BYTES),
    tmpfs(`${root}${ROOM}/out`, '1777', OUTPUT_BYTES),
  ];
  const layers = `lowerdir=${escapeLayer(plan.tree)},upperdir=${escapeLayer(`${space}/over`)},workdir=${escapeLayer(`${space}/work`)}`;
  const second: readonly Mount[] = [
    { source: 'overlay', target: root + plan.tree, type: 'overlay', options: layers },
    ...(plan.tree === '/workspace' ? [] : [bind(root + plan.tree, `${root}/workspace`, 'bind')]),
  ];
  writeFileSync(join(directory, 'first.fstab'), formatTable(first));
  writeFileSync(join(directory, 'second.fstab'), formatTable(second));
  const at = (path: string) => quoteWord(root + path);
  return [
    'set -e',
    // A caller in a user namespace may only bind together with what is mounted below: then once more, with everything below.
    `mount -a -T ${quoteWord(join(directory, 'first.fstab'))} || for path in ${quoteWords([...bound, ...visible.map((path, index) => `${path}:${ROOM}/real/${index}`)])}; do`,
    `  [ "\${path%%:*}" -ef ${at('')}"\${path#*:}" ] || mount -o rbind "\${path%%:*}" ${at('')}"\${path#*:}"`,
    'done',
    `mkdir -p ${quoteWords([`${space}/over`, `${space}/work`, root + plan.tree])}`,
    `mount -a -T ${quoteWord(join(directory, 'second.fstab'))}`,
    ...(uid === undefined ? [] : [`chown ${uid}:${uid} ${quoteWords(ownedPaths(plan).map((path) => root + path))}`]),
    ...inventInTree(plan, root),
    // What the room is made of stays, whatever the script removes.
    `mount -o remount,bind,ro,nosuid,nodev ${at('')}`,
    `cd ${at('')}`,
    `pivot_root . .${ROOM}/old`,
    'cd /',
  ].join('\n');
}

function makeSkeleton(
  layout: NamespaceRoot,
  root: string,
  bound: readonly string[],
  libraries: readonly string[],
): void {
  const { plan, visible, uid } = layout;
  const directories = [
    ...['/usr/bin', '/usr/local', '/proc', '/dev', '/tmp', '/etc', '/home/dynamo', '/var', '/workspace', plan.tree],
    ...['lib', 'records', 'out', 'old', 'space'].map((name) => `${ROOM}/${name}`),
    ...bound,
    ...visible.map((_, index) => `${ROOM}/real/${index}`),
  ];
  for (const path of directories) mkdirSync(root + path, { recursive: true, mode: 0o755 });
  const links: readonly (readonly [string, string])[] = [
    ['usr/bin', '/bin'],
    ['usr/bin', '/sbin'],
    ['bin', '/usr/sbin'],
    ['../bin', '/usr/local/bin'],
    ['../bin', '/usr/local/sbin'],
    ['/tmp', '/var/tmp'],
    ['/tmp', '/run'],
    ['/tmp', '/dev/shm'],
    ['/proc/self/fd', '/dev/fd'],
    ...['stdin', 'stdout', 'stderr'].map((name, fd): [string, string] => [`/proc/self/fd/${fd}`, `/dev/${name}`]),
    ...libraries.filter((path) => !bound.includes(path)).map((path): [string, string] => [readlinkSync(path), path]),
  ];
  for (const [target, path] of links) if (!existsSync(root + path)) symlinkSync(target, root + path);
  for (const name of DEVICES) writeFileSync(`${root}/dev/${name}`, '');
  if (existsSync('/etc/ld.so.cache')) copyFileSync('/etc/ld.so.cache', `${root}/etc/ld.so.cache`);
  const user = uid ?? 1000;
  writeFileSync(
    `${root}/etc/passwd`,
    `root:x:0:0::/home/dynamo:/bin/bash\ndynamo:x:${user}:${user}::/home/dynamo:/bin/bash\n`,
  );
  for (const path of inventedOutside(plan)) {
    mkdirSync(dirname(root + path), { recursive: true });
    if (existsSync(root + path)) continue;
    if (isActivate(path)) writeFileSync(root + path, '');
    else symlinkSync(`${ROOM}/lib/stand-in`, root + path);
  }
}

/** Programs that the script calls by a path that is not there; not those that PATH leads to, nor those below what is mounted. */
function inventedOutside(plan: RoomPlan): readonly string[] {
  const covered = [...LIBRARIES, plan.tree, '/workspace', '/tmp', '/home/dynamo', '/proc', '/dev', ROOM];
  return plan.invented.filter((path) => !searchesIn(dirname(path)) && !covered.some((above) => isBelow(path, above)));
}

function inventInTree(plan: RoomPlan, root: string): readonly string[] {
  const inside = plan.invented.filter((path) =>
    [plan.tree, '/workspace', '/tmp', '/home/dynamo'].some((above) => isBelow(path, above)),
  );
  return inside.flatMap((path) => {
    const target = quoteWord(root + path);
    const make = isActivate(path) ? `: >${target}` : `ln -s ${ROOM}/lib/stand-in ${target}`;
    return [`{ mkdir -p ${quoteWord(dirname(root + path))} && { [ -e ${target} ] || ${make}; }; } || true`];
  });
}

/** A script of a virtual environment that is sourced, not run. */
function isActivate(path: string): boolean {
  return path.endsWith('/activate');
}

/** The directories around the script, for its user: some scripts write beside themselves, and what an overlay shows keeps its owner. */
function ownedPaths(plan: RoomPlan): readonly string[] {
  const above: string[] = [];
  for (let here = dirname(plan.script); here !== plan.tree && isBelow(here, plan.tree); here = dirname(here))
    above.push(here);
  const below: string[] = [];
  const queue = [dirname(plan.script), plan.cwd];
  for (let here = queue.shift(); here !== undefined && below.length < OWNED_DIRECTORIES; here = queue.shift()) {
    const entries = readdirSync(here, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const paths = entries.map((entry) => join(here ?? '', entry.name));
    below.push(...paths);
    queue.push(...paths);
  }
  return [...new Set([plan.tree, ...above, ...below.slice(0, OWNED_DIRECTORIES), plan.script])];
}

function formatTable(mounts: readonly Mount[]): string {
  const protect = (text: string) =>
    text.replace(/[\s\\#]/g, (character) => `\\${(character.codePointAt(0) ?? 0).toString(8).padStart(3, '0')}`);
  return mounts
    .map(
      ({ source, target, type, options }) => `${protect(source)} ${protect(target)} ${type} ${protect(options)} 0 0\n`,
    )
    .join('');
}

/** Overlay options separate layers by colons. */
function escapeLayer(path: string): string {
  return path.replace(/[\\:]/g, (character) => `\\${character}`);
}
