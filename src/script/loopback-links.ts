import type { ClassifiedLaunch } from './classify-launch.ts';
import { flagValue, withoutFlags } from './launch-flags.ts';
import { portsOf } from './launch-ports.ts';

const ADDRESS = /(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]):(\d{2,5})/g;
/** A port alone, in the JSON of a connector: `"lmcache.mp.port": 5555`. */
const JSON_PORT = /"[\w.]*port"\s*:\s*"?(\d{2,5})/g;
const SOCKET = /(?:ipc:\/\/|unix:(?:\/\/)?)?(\/tmp\/[\w./-]+)/g;
/** Flags whose path in /tmp is read by many and joins none. */
const ORDINARY_FLAG = /^--?[\w-]*(?:model|config|args|log|cache|template|tokenizer|dir)/;
/** Joined by their values (see `meetingPoints`). */
const MEETING_FLAGS: readonly string[] = ['--dist-init-addr', '--master-addr', '--data-parallel-address'];
const INFRA_PORTS: readonly number[] = [2379, 2380, 4222, 6222, 8222];

export interface LoopbackReference {
  /** Index of the launch that speaks. */
  readonly from: number;
  readonly address: string;
  readonly port: number;
  /** Index of the launch that listens; undefined when nothing of the script does. */
  readonly to: number | undefined;
}

/** Addresses of this host in arguments and environments, each with the launch that listens there. Those of etcd and NATS are left out. */
export function findLoopbackReferences(launches: readonly ClassifiedLaunch[]): readonly LoopbackReference[] {
  return launches.flatMap((speaker) => {
    const texts = [
      // Where KV events are published, and where ranks meet, is an address that the process itself listens on.
      ...withoutFlags(speaker.launch.argv, '--kv-events-config', ...MEETING_FLAGS),
      ...Object.entries(speaker.launch.env).flatMap(([name, value]) =>
        name === 'NATS_SERVER' || name === 'ETCD_ENDPOINTS' ? [] : [value],
      ),
    ];
    const spoken = texts.flatMap((text) =>
      [...text.matchAll(ADDRESS)].map((match) => ({ address: match[0], port: Number(match[1]) })),
    );
    const bare = texts.flatMap((text) =>
      [...text.matchAll(JSON_PORT)].map((match) => ({ address: match[0], port: Number(match[1]) })),
    );
    const listened = launches.filter((other) => other !== speaker).flatMap((other) => portsOf(other.launch));
    const found = [...spoken, ...bare.filter(({ port }) => listened.includes(port))];
    return found
      .filter(
        ({ port }, index) => !INFRA_PORTS.includes(port) && found.findIndex((other) => other.port === port) === index,
      )
      .flatMap(({ address, port }): readonly LoopbackReference[] => {
        if (portsOf(speaker.launch).includes(port)) return [];
        const listeners = launches.filter(
          (listener) => listener !== speaker && portsOf(listener.launch).includes(port),
        );
        return [{ from: speaker.index, address, port, to: listeners[0]?.index }];
      });
  });
}

/** Groups of launches that must live in one replica (rule 11): by a loopback address, a meeting point of ranks, or a path in /tmp that two of them name. */
export function joinLaunches(
  launches: readonly ClassifiedLaunch[],
  references: readonly LoopbackReference[],
  tree: string,
): readonly (readonly ClassifiedLaunch[])[] {
  const groupOf = new Map(launches.map((launch) => [launch.index, launch.index]));
  const join = (a: number, b: number) => {
    const [from, to] = [groupOf.get(a), groupOf.get(b)];
    if (from === undefined || to === undefined) return;
    for (const [index, group] of groupOf) if (group === Math.max(from, to)) groupOf.set(index, Math.min(from, to));
  };
  const byIndex = new Map(launches.map((launch) => [launch.index, launch]));
  for (const { from, to, port } of references) {
    const listener = to === undefined ? undefined : byIndex.get(to);
    if (listener === undefined || listener.kind === 'frontend' || byIndex.get(from)?.kind === 'frontend') continue;
    // Who looks at a worker's health or counters does not work as one with it.
    if (listener.launch.env.DYN_SYSTEM_PORT === String(port)) continue;
    join(from, listener.index);
  }
  const named = new Map<string, number[]>();
  for (const launch of launches)
    for (const name of meetingPoints(launch, tree)) named.set(name, [...(named.get(name) ?? []), launch.index]);
  for (const indexes of named.values()) for (const index of indexes.slice(1)) join(indexes[0] ?? index, index);
  const groups = new Map<number, ClassifiedLaunch[]>();
  for (const launch of launches) {
    const group = groupOf.get(launch.index) ?? launch.index;
    groups.set(group, [...(groups.get(group) ?? []), launch]);
  }
  return [...groups.values()];
}

/** Sockets and files in /tmp that two of these launches name. */
export function sharedPaths(launches: readonly ClassifiedLaunch[], tree: string): readonly string[] {
  const named = launches.flatMap((launch) => [...new Set(meetingPoints(launch, tree))]);
  const paths = named.filter((name, index) => name.startsWith(FILE) && named.indexOf(name) < index);
  return [...new Set(paths.map((name) => name.slice(FILE.length)))];
}

const FILE = 'file ';

/** The script's own files are read by many, wherever they lie. */
function isInTree(path: string, tree: string): boolean {
  // A script that lies in /tmp itself has no tree of its own there.
  return tree !== '/tmp' && (path === tree || path.startsWith(`${tree}/`));
}

/** Names that two launches share only when they work as one: where ranks meet on this host, and sockets or files in /tmp. */
function meetingPoints({ launch, kind }: ClassifiedLaunch, tree: string): readonly string[] {
  if (kind === 'frontend') return [];
  const { argv, env } = launch;
  const local = (address: string | undefined) => address !== undefined && /^(?:localhost|127\.0\.0\.1)/.test(address);
  const master = flagValue(argv, '--master-addr', '--data-parallel-address');
  const port = flagValue(argv, '--master-port', '--data-parallel-rpc-port');
  const rank = flagValue(argv, '--data-parallel-rank', '--data_parallel_rank');
  const init = flagValue(argv, '--dist-init-addr');
  const written = launch.files.map((file) => file.path);
  const shared = argv.filter(
    (word, index) =>
      !ORDINARY_FLAG.test(word) && !ORDINARY_FLAG.test(argv[index - 1]?.startsWith('-') ? (argv[index - 1] ?? '') : ''),
  );
  const words = [...shared, ...[...argv, ...Object.values(env)].filter((word) => /ipc:\/\/|unix:|\.sock\b/.test(word))];
  const paths = words.flatMap((word) =>
    [...word.matchAll(SOCKET)].flatMap((match) =>
      match[1] === undefined || written.includes(match[1]) || isInTree(match[1], tree) ? [] : [match[1]],
    ),
  );
  return [
    ...(local(master) && port !== undefined ? [`rank ${port}`] : []),
    // Without an address the ranks of vLLM meet on this host.
    ...(rank !== undefined && master === undefined ? ['rank'] : []),
    ...(local(init) ? [`rank ${init}`] : []),
    ...new Set(paths.map((path) => `${FILE}${path}`)),
  ];
}
