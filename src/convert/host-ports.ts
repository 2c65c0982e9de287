import { isPortOfInstance } from '../script/host-settings.ts';
import { flagValue } from '../script/launch-flags.ts';
import { portsOf } from '../script/launch-ports.ts';

/** Ports of etcd and NATS, and where the frontend of a graph listens. */
const TAKEN: readonly number[] = [2379, 2380, 4222, 6222, 8222, 8000];
/** An address that a process publishes on. */
const PUBLISHED = /((?:tcp:\/\/)?\*:)(\d{2,5})\b/g;
const ADDRESS = /((?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]|\*):)(\d{2,5})\b/g;
/** In the JSON of a connector: `"lmcache.mp.port": 5555`. */
const JSON_PORT = /("[\w.]*port"\s*:\s*"?)(\d{2,5})\b/g;
const PORT_FLAG = /^--(?:[\w-]+-)?port$/;

/** What a process of the graph is started with. */
export interface PortUser {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Ports of one host, each given once: containers with a network of their own may all have the same. */
export class HostPorts {
  readonly #taken = new Set(TAKEN);

  /** The first of `span` free ports in a row, from the wanted one on. */
  claim(wanted: number, span = 1): number {
    let port = wanted;
    const clash = () => Array.from({ length: span }, (_, offset) => port + offset).some((at) => this.#taken.has(at));
    while (clash()) port += 1;
    for (let offset = 0; offset < span; offset += 1) this.#taken.add(port + offset);
    return port;
  }

  /** Ports that the processes of one replica listen on, each with the port of the host that takes its place. */
  claimFor(users: readonly PortUser[]): ReadonlyMap<number, number> {
    const listened = users.flatMap(({ argv, env }) => listenedPorts({ argv: argv.flatMap(wordsOf), env }));
    return new Map([...new Set(listened)].map((port) => [port, this.claim(port)]));
  }
}

/** A shell's text as the words in it: enough to find its flags. */
function wordsOf(word: string): readonly string[] {
  return word.includes('\n') || word.includes(' --') ? word.split(/\s+/) : [word];
}

/** A decode worker learns the bootstrap port from the prefill worker: its flag opens none. */
function listenedPorts({ argv, env }: PortUser): readonly number[] {
  const decodes = argv.some((word, index) => word === 'decode' && argv[index - 1] === '--disaggregation-mode');
  const listening = decodes
    ? argv.filter((word, index) => ![word, argv[index - 1]].includes('--disaggregation-bootstrap-port'))
    : argv;
  const published = argv.flatMap((word) => [...word.matchAll(PUBLISHED)].map((match) => Number(match[2])));
  const met = flagValue(argv, '--master-port', '--data-parallel-rpc-port');
  const named = Object.entries(env).flatMap(([name, value]) => (isPortOfInstance(name) ? [Number(value)] : []));
  return [...portsOf({ argv: listening, env }), ...published, ...named, Number(met ?? 0)].filter((port) => port > 0);
}

/** The words with the ports of the replica in the places of those of the graph. */
export function movePorts(words: readonly string[], ports: ReadonlyMap<number, number>): readonly string[] {
  return words.map((word, index) => movePort(word, ports, words[index - 1]));
}

/** One word or value; `flag` is what stands before it. */
export function movePort(word: string, ports: ReadonlyMap<number, number>, flag = ''): string {
  if (PORT_FLAG.test(flag)) return String(ports.get(Number(word)) ?? word);
  const [name = '', value] = word.split('=', 2);
  if (PORT_FLAG.test(name) && value !== undefined) return `${name}=${ports.get(Number(value)) ?? value}`;
  const move = (_: string, before: string, port: string) => `${before}${ports.get(Number(port)) ?? port}`;
  return word.replace(ADDRESS, move).replace(JSON_PORT, move);
}
