import type { Evidence, ReplicaEvidence, RoutingEvidence } from '../model/evidence.ts';
import type { ObservedContainer } from '../model/observed-state.ts';
import type { Probe, Probes } from '../model/probe.ts';
import type { Runtime } from '../model/runtime.ts';
import type { RegistrationLadder } from './registration-ladder.ts';
import type { ReplicaWatch } from './replica-watch.ts';

/** Lines of a log that a card carries. */
const LAST_LINES = 20;

export interface EvidenceSources {
  readonly runtime: Runtime;
  readonly isNoise: (line: string) => boolean;
  readonly watches: readonly ReplicaWatch[];
  /** Own servers: service and container. */
  readonly servers: readonly { readonly service: string; readonly name: string; readonly answers: boolean }[];
  readonly ladder: RegistrationLadder;
  readonly routing: RoutingEvidence | undefined;
}

/** Everything that tells why an `up` failed, read before anything is stopped; what cannot be read is left out. */
export async function collectEvidence(sources: EvidenceSources, signal: AbortSignal): Promise<Evidence> {
  const replicas = await Promise.all([
    ...sources.servers.map((server) => readServer(server, sources, signal)),
    ...sources.watches.map((watch) => readReplica(watch, sources, signal)),
  ]);
  return { replicas, routing: sources.routing };
}

async function readServer(
  server: EvidenceSources['servers'][number],
  sources: EvidenceSources,
  signal: AbortSignal,
): Promise<ReplicaEvidence> {
  const container = await inspect(sources.runtime, server.name, signal);
  const ended = endOf(container);
  return {
    replica: server.service,
    component: server.service,
    infra: true,
    ready: server.answers,
    ended,
    lastAnswer: undefined,
    probe: undefined,
    missing: [],
    lastLines: ended || !server.answers ? await readLastLines(server.name, sources, signal) : [],
  };
}

async function readReplica(
  watch: ReplicaWatch,
  sources: EvidenceSources,
  signal: AbortSignal,
): Promise<ReplicaEvidence> {
  const { replica } = watch;
  const containers = await Promise.all(replica.containers.map(({ name }) => inspect(sources.runtime, name, signal)));
  // The container that ended, else the one that is waited for, else the main one.
  const at = containers.findIndex((container) => endOf(container));
  const member = replica.containers[at] ?? watch.waitingFor ?? replica.containers.at(-1);
  const name = member?.name ?? '';
  return {
    replica: replica.id,
    component: replica.component,
    infra: false,
    ready: watch.isReady,
    ended: endOf(containers[at]),
    lastAnswer: watch.lastAnswer(name),
    probe: member && describeProbe(member.probes),
    missing: sources.ladder.missing(replica.id),
    lastLines: await readLastLines(name, sources, signal),
  };
}

async function inspect(runtime: Runtime, name: string, signal: AbortSignal): Promise<ObservedContainer | undefined> {
  return runtime.inspect(name, signal).catch(() => undefined);
}

function endOf(container: ObservedContainer | undefined): ReplicaEvidence['ended'] {
  if (container?.status !== 'exited' && container?.status !== 'dead') return undefined;
  const { exitCode = -1, oomKilled, memoryLimited } = container;
  return { exitCode, oomKilled, memoryLimited };
}

/** `http :9090/health`, of the probe that is waited for first. */
function describeProbe(probes: Probes): string | undefined {
  const probe = probes.startup ?? probes.readiness ?? probes.liveness;
  return probe && describeHandler(probe.handler);
}

function describeHandler(handler: Probe['handler']): string {
  switch (handler.kind) {
    case 'httpGet':
      return `${handler.scheme.toLowerCase()} :${handler.port}${handler.path}`;
    case 'tcpSocket':
      return `tcp :${handler.port}`;
    case 'grpc':
      return `grpc :${handler.port}`;
    case 'exec':
      return handler.command.join(' ');
  }
}

async function readLastLines(
  name: string,
  { runtime, isNoise }: EvidenceSources,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const lines: string[] = [];
  try {
    // More than are shown: some are ours.
    for await (const { line } of runtime.logs(name, { follow: false, tail: LAST_LINES * 3 }, signal)) lines.push(line);
  } catch {
    return [];
  }
  return lines.filter((line) => !isNoise(line)).slice(-LAST_LINES);
}
