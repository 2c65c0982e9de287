import type { ObservedContainer } from '../model/observed-state.ts';
import type { Runtime } from '../model/runtime.ts';
import type { ProbeTarget } from '../probes/probe-answer.ts';

/** Where a container port is reached from this process: the container's own address, or the port published for it. */
export function resolvePort(
  container: Pick<ObservedContainer, 'address' | 'published' | 'facts'>,
  containerPort: number,
): { readonly host: string; readonly port: number } | undefined {
  if (container.facts.reach === 'direct') {
    return container.address === undefined ? undefined : { host: container.address, port: containerPort };
  }
  const published = container.published.find((port) => port.containerPort === containerPort);
  if (!published) return undefined;
  const anywhere = published.hostAddress === '0.0.0.0' || published.hostAddress === '::';
  return { host: anywhere ? '127.0.0.1' : published.hostAddress, port: published.hostPort };
}

/** A running container as its probes see it; `network` is the container that holds its network. */
export function makeProbeTarget(runtime: Runtime, name: string, network: ObservedContainer): ProbeTarget {
  return {
    resolve: (containerPort) => resolvePort(network, containerPort),
    exec: (command, signal) => runtime.exec(name, command, signal),
  };
}
