import type { Launch } from './recording.ts';

/** Flags after which a port that the process listens on stands. */
const PORT_FLAGS: readonly string[] = [
  '--http-port',
  '--port',
  '--grpc-port',
  '--disaggregation-bootstrap-port',
  '--bootstrap-port',
  '--system-port',
];
const PORT_VARIABLES: readonly string[] = ['DYN_SYSTEM_PORT', 'DYN_HTTP_PORT'];
/** Where a frontend listens from 0.6 on when nothing says otherwise (facts/runtime.md §1.7). */
const FRONTEND_PORT = 8000;

/** The port in `http://host:8081/health`, `tcp://host:4222`, `host:8000` or `tcp://*:5557`. */
export function portOfAddress(address: string): number | undefined {
  const match = /^(?:[a-z+]+:\/\/)?(?:\[[^\]]*\]|[^/:[\]]*):(\d{1,5})(?:[/?#]|$)/.exec(address);
  return match === null ? undefined : Number(match[1]);
}

/** Ports that a launch listens on, as far as its flags and environment say. */
export function portsOf(launch: Pick<Launch, 'argv' | 'env'>): readonly number[] {
  const flags = launch.argv.flatMap((word, index) => {
    const [flag, inline] = word.split('=', 2);
    if (flag === undefined || !PORT_FLAGS.includes(flag)) return [];
    return [Number(inline ?? launch.argv[index + 1])];
  });
  const isFrontend = launch.argv.includes('dynamo.frontend');
  const names = isFrontend ? ['DYN_HTTP_PORT'] : PORT_VARIABLES.filter((name) => name === 'DYN_SYSTEM_PORT');
  const variables = names.flatMap((name) => Number(launch.env[name] ?? Number.NaN));
  const ports = [...flags, ...variables].filter((port) => Number.isInteger(port) && port > 0);
  return isFrontend && ports.length === 0 ? [FRONTEND_PORT] : ports;
}
