import { LogReader } from '../diagnose/log-reader.ts';
import type { ContainerEvents } from '../engine/container-events.ts';
import { monitorDesired } from '../engine/monitored-replica.ts';
import { isProbeNoise } from '../engine/probe-noise.ts';
import { ProjectRun } from '../engine/project-run.ts';
import type { Emit } from '../model/event.ts';
import type { Runtime } from '../model/runtime.ts';
import type { Io } from './io.ts';
import type { LoadedProject } from './load-project.ts';
import type { UpFlags } from './up-flags.ts';

interface WatchLoaded {
  readonly runtime: Runtime;
  readonly events: ContainerEvents;
  readonly io: Io;
  readonly emit: Emit;
  readonly flags: UpFlags;
}

/** Who watches a project while it comes up and is stayed with, for what a graph wants of this machine. */
export function watchLoaded(loaded: LoadedProject, { runtime, events, io, emit, flags }: WatchLoaded): ProjectRun {
  const { desired } = loaded;
  const reader = new LogReader(emit);
  return new ProjectRun({
    project: loaded.project,
    runtime,
    events,
    clock: io.clock,
    emit,
    isNoise: isProbeNoise,
    showLogs: flags.logs,
    onLine: (replica, line) => reader.read(replica, line),
    restartsBeforeReady: flags.restarts,
    replicas: desired.replicas.map(monitorDesired),
    names: new Map([
      ...desired.infra.map(({ service, container }) => [container.name, service] as const),
      ...desired.replicas.flatMap((replica) =>
        replica.containers.map((container) => [container.name, replica.id] as const),
      ),
    ]),
    frontends: new Map(
      desired.replicas.flatMap((replica) =>
        replica.frontendPort === undefined
          ? []
          : [
              [
                replica.id,
                {
                  container: replica.containers[0]?.name ?? '',
                  port: replica.frontendPort,
                  facts: replica.facts,
                },
              ] as const,
            ],
      ),
    ),
    shared: loaded.shared,
    registry: desired.servers.registry,
    namespaces: loaded.shared ? desired.replicas.flatMap(({ facts }) => facts.namespace ?? []) : [],
    settleMs: loaded.settleMs,
  });
}
