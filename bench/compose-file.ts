import { readFile } from 'node:fs/promises';
import { parse, stringify } from 'yaml';
import type { DesiredContainer, DesiredState } from '../src/model/desired-state.ts';
import type { Probes } from '../src/model/probe.ts';

/** The health checks of compose/infra.yaml, by service. */
async function readInfraChecks(home: URL): Promise<Readonly<Record<string, unknown>>> {
  const document: { services: Record<string, { healthcheck: unknown }> } = parse(
    await readFile(new URL('compose/infra.yaml', home), 'utf8'),
  );
  return Object.fromEntries(Object.entries(document.services).map(([name, { healthcheck }]) => [name, healthcheck]));
}

/** The readiness probe as compose can run it: within the container, every second. */
function checkOf({ readiness }: Probes): unknown {
  if (readiness?.handler.kind !== 'httpGet') throw new Error('the bench knows HTTP readiness probes only');
  const { port, path } = readiness.handler;
  return {
    test: ['CMD', 'curl', '-sf', '-o', '/dev/null', `http://127.0.0.1:${port}${path}`],
    interval: '1s',
    timeout: '2s',
    retries: 120,
  };
}

/** Compose reads `$` as the start of a variable. */
function escapeDollars(text: string): string {
  return text.replaceAll('$', '$$$$');
}

function serviceOf(container: DesiredContainer, healthcheck: unknown, dependsOn: readonly string[]): unknown {
  const { network } = container;
  if (network.kind !== 'bridge')
    throw new Error(`${container.name}: the bench knows containers with a network of their own`);
  return {
    container_name: container.name,
    image: container.image,
    ...(container.entrypoint ? { entrypoint: container.entrypoint.map(escapeDollars) } : {}),
    ...(container.args ? { command: container.args.map(escapeDollars) } : {}),
    environment: Object.fromEntries(container.env.map(({ name, value }) => [name, escapeDollars(value)])),
    ...(container.user ? { user: container.user } : {}),
    group_add: container.groups.map(String),
    ...(container.shmBytes === undefined ? {} : { shm_size: container.shmBytes }),
    volumes: container.mounts.flatMap((mount) =>
      mount.kind === 'bind'
        ? [{ type: 'bind', source: mount.source, target: mount.path, read_only: mount.readOnly }]
        : [],
    ),
    hostname: network.hostname,
    networks: { default: { aliases: [...network.aliases] } },
    ports: container.publish.map((port) => `${port.hostAddress}:${port.hostPort}:${port.containerPort}`),
    stop_grace_period: `${container.graceSeconds}s`,
    healthcheck,
    depends_on: Object.fromEntries(dependsOn.map((name) => [name, { condition: 'service_healthy' }])),
  };
}

/** The desired state as a compose file: etcd and NATS healthy first, then the rest at once. */
export async function writeComposeText(desired: DesiredState, home: URL): Promise<string> {
  const checks = await readInfraChecks(home);
  const infra = desired.infra.map(({ service }) => service);
  return stringify({
    networks: { default: { name: desired.network } },
    services: Object.fromEntries([
      ...desired.infra.map(({ service, container }) => [service, serviceOf(container, checks[service], [])] as const),
      ...desired.replicas.flatMap(({ id, containers }) =>
        containers.map((container) => [id, serviceOf(container, checkOf(container.probes), infra)] as const),
      ),
    ]),
  });
}
