import type { Command } from 'commander';
import { ContainerEvents } from '../engine/container-events.ts';
import { monitorObserved } from '../engine/monitored-replica.ts';
import { isProbeNoise } from '../engine/probe-noise.ts';
import { ProjectRun } from '../engine/project-run.ts';
import { planRestart } from '../plan/plan-removal.ts';
import { connectProject, projectUnknown } from './connect-project.ts';
import type { Io } from './io.ts';
import { selectContainers } from './logs.ts';
import { nameOf, openRenderer, runPlan } from './run-plan.ts';

interface RestartFlags {
  readonly project?: string;
  readonly progress?: string;
}

/** `dynamo restart`: stops and starts components, and waits until they are ready. */
export function registerRestart(program: Command, io: Io): void {
  program
    .command('restart')
    .description('restart components and wait until they are ready')
    .argument('[components...]', 'components or replicas (default: all but etcd and NATS)')
    .option('-p, --project <name>', 'project name')
    .option('--progress <mode>', 'auto, tty, plain, json or quiet')
    .action((components: string[], flags: RestartFlags) => restart(components, flags, io));
}

async function restart(components: readonly string[], flags: RestartFlags, io: Io): Promise<void> {
  const { runtime, project } = await connectProject(flags.project, io);
  const observed = await runtime.observe(project, [], io.interrupted);
  if (observed.containers.length === 0) throw projectUnknown(project);
  const named = selectContainers(observed.containers, components);
  const chosen = components.length === 0 ? named.filter((container) => container.role !== 'infra') : named;
  const plan = planRestart(observed, chosen);
  const { emit, close } = await openRenderer(io, flags.progress);
  const stay = new AbortController();
  const events = new ContainerEvents();
  try {
    await events.open(runtime, project, stay.signal);
    const run = new ProjectRun({
      project,
      runtime,
      events,
      clock: io.clock,
      emit,
      isNoise: isProbeNoise,
      showLogs: false,
      onLine: () => undefined,
      restartsBeforeReady: 0,
      replicas: monitorObserved(observed.containers),
      names: new Map(observed.containers.map((container) => [container.name, nameOf(container)])),
      frontends: new Map(),
      shared: undefined,
      namespaces: [],
      settleMs: 0,
    });
    await runPlan({
      plan,
      containers: observed.containers,
      runtime,
      io,
      emit,
      waits: run.waits(stay.signal),
      doneText: `project ${project}: restarted`,
      idleText: `project ${project}: nothing to restart`,
    });
  } finally {
    stay.abort();
    await close();
  }
}
