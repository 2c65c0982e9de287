import type Docker from 'dockerode';
import type { DesiredContainer, DesiredState } from '../src/model/desired-state.ts';
import { containerBody } from '../src/runtime/docker/container-body.ts';
import { waitForAnswer } from './ask-completion.ts';

const HEALTH: Readonly<Record<'etcd' | 'nats', string>> = { etcd: ':2379/health', nats: ':8222/healthz' };

/** Milliseconds between two tries. */
const INFRA_PERIOD_MS = 10;

/** The least that any program must ask of the engine, in the order of `dynamo`: create all, start etcd and NATS, start the rest at once. */
export async function bringUpBare(docker: Docker, desired: DesiredState, signal: AbortSignal): Promise<void> {
  await docker.createNetwork({ Name: desired.network, Driver: 'bridge', CheckDuplicate: true });
  const create = (container: DesiredContainer): Promise<Docker.Container> => {
    const options = { _query: { name: container.name }, _body: containerBody(container), abortSignal: signal };
    return docker.createContainer(options);
  };
  const graph = Promise.all(desired.replicas.flatMap(({ containers }) => containers.map(create)));
  await Promise.all(
    desired.infra.map(async ({ service, container }) => {
      const made = await create(container);
      await made.start({ abortSignal: signal });
      const { NetworkSettings } = await made.inspect({ abortSignal: signal });
      const address = NetworkSettings.Networks[desired.network]?.IPAddress ?? '';
      await waitForAnswer(`http://${address}${HEALTH[service]}`, { periodMs: INFRA_PERIOD_MS }, signal);
    }),
  );
  await Promise.all((await graph).map((made) => made.start({ abortSignal: signal })));
}

/** SIGTERM to the graph, each removed once it has ended; then etcd and NATS, then the network. */
export async function takeDownBare(docker: Docker, desired: DesiredState, signal: AbortSignal): Promise<void> {
  const remove = (name: string) => docker.getContainer(name).remove({ force: true, v: true, abortSignal: signal });
  const graph = desired.replicas.flatMap(({ containers }) => containers);
  const stops = graph.map(({ name, graceSeconds }) =>
    docker.getContainer(name).stop({ t: graceSeconds, abortSignal: signal }),
  );
  await Promise.all([
    ...graph.map(async ({ name }, index) => {
      await stops[index];
      await remove(name);
    }),
    Promise.all(stops).then(() => Promise.all(desired.infra.map(({ container }) => remove(container.name)))),
  ]);
  await docker.getNetwork(desired.network).remove({ abortSignal: signal });
}

/** Removes whatever a run that ended early has left: containers and networks whose name starts with `prefix`. */
export async function removeLeftovers(docker: Docker, prefix: string): Promise<void> {
  const containers = await docker.listContainers({ all: true, filters: { name: [`^/${prefix}`] } });
  await Promise.all(containers.map(({ Id }) => docker.getContainer(Id).remove({ force: true, v: true })));
  const networks = await docker.listNetworks({ filters: { name: [`^${prefix}`] } });
  await Promise.all(networks.map(({ Id }) => docker.getNetwork(Id).remove()));
}
