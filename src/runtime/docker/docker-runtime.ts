import type Docker from 'dockerode';
import type { DesiredContainer } from '../../model/desired-state.ts';
import { EXIT, UserError } from '../../model/diagnostic.ts';
import type { EngineFacts, Reach } from '../../model/host-inventory.ts';
import { LABEL } from '../../model/labels.ts';
import type { ContainerStats, Runtime } from '../../model/runtime.ts';
import { connectEngine, type Environment, isWsl } from './connect-engine.ts';
import { containerBody } from './container-body.ts';
import { createVolume } from './create-volume.ts';
import { asUserError, isConflict, isNotFound, isNotModified } from './engine-errors.ts';
import { inspectOne, observe, observeContainers, observeGpuHolds } from './observe.ts';
import { pullImage } from './pull-image.ts';
import { readLogs } from './read-logs.ts';
import { runAttachedExec, runExec } from './run-exec.ts';
import { watchEvents } from './watch-events.ts';
import { writeFiles } from './write-files.ts';

export interface DockerRuntimeOptions {
  readonly env: Environment;
  /** Forces how containers are reached; else the engine decides. */
  readonly reach?: Reach;
}

/** Succeeds also when what the call wanted is so already. */
async function tolerate(call: Promise<unknown>, ...tolerated: ((error: unknown) => boolean)[]): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!tolerated.some((isFine) => isFine(error))) throw error;
  }
}

/** The container runtime of a Docker Engine on this machine. */
export async function createDockerRuntime(options: DockerRuntimeOptions): Promise<Runtime> {
  const docker = await connectEngine(options.env);
  return {
    facts: (signal) => asUserError('the engine', () => readFacts(docker, options.reach, signal)),
    observe: (project, images, signal) => observe(docker, project, images, signal),
    observeAll: (signal) => asUserError('observe', () => observeContainers(docker, undefined, signal)),
    gpuHolds: (signal) => asUserError('observe', () => observeGpuHolds(docker, signal)),
    inspect: (name, signal) => inspectOne(docker, name, signal),

    pullImage: (image, pullOptions, signal) => pullImage(docker, image, options.env, pullOptions, signal),
    createNetwork: (project, network, signal) => createNetwork(docker, project, network, signal),
    removeNetwork: (network, signal) =>
      asUserError(`network ${network}`, () =>
        tolerate(docker.getNetwork(network).remove({ abortSignal: signal }), isNotFound),
      ),
    createVolume: (project, volume, signal) => createVolume(docker, project, volume, signal),
    removeVolume: (volume, signal) =>
      asUserError(`volume ${volume}`, () =>
        tolerate(docker.getVolume(volume).remove({ abortSignal: signal }), isNotFound),
      ),
    createContainer: (container, signal) => createContainer(docker, container, signal),
    startContainer: (name, signal) =>
      asUserError(`start of ${name}`, () =>
        tolerate(docker.getContainer(name).start({ abortSignal: signal }), isNotModified),
      ),
    stopContainer: (name, graceSeconds, signal) =>
      asUserError(`stop of ${name}`, () =>
        tolerate(docker.getContainer(name).stop({ t: graceSeconds, abortSignal: signal }), isNotModified, isNotFound),
      ),
    killContainer: (name, signal) =>
      // A conflict says that it does not run.
      asUserError(`kill of ${name}`, () =>
        tolerate(docker.getContainer(name).kill({ abortSignal: signal }), isConflict, isNotFound),
      ),
    removeContainer: (name, signal) => removeContainer(docker, name, signal),
    setRestartPolicy: (name, policy, signal) =>
      asUserError(`restart policy of ${name}`, async () => {
        await docker.getContainer(name).update({ RestartPolicy: { Name: policy }, abortSignal: signal });
      }),

    logs: (name, logOptions, signal) => readLogs(docker, name, logOptions, signal),
    events: (project, signal) => watchEvents(docker, project, signal),
    exec: (name, command, signal) => runExec(docker, name, command, signal),
    attachExec: (name, execOptions, signal) => runAttachedExec(docker, name, execOptions, signal),
    stats: (names, signal) => Promise.all(names.map((name) => readStats(docker, name, signal))),
  };
}

async function readFacts(docker: Docker, forced: Reach | undefined, signal: AbortSignal): Promise<EngineFacts> {
  const [info, version] = await Promise.all([docker.info(), docker.version()]);
  signal.throwIfAborted();
  const rootless = (info.SecurityOptions ?? []).some((option: string) => option.includes('rootless'));
  const elsewhere =
    rootless || isWsl() || /docker desktop/i.test(info.OperatingSystem ?? '') || process.platform !== 'linux';
  return {
    serverVersion: version.Version,
    apiVersion: version.ApiVersion,
    rootDirectory: elsewhere ? undefined : info.DockerRootDir,
    cpus: info.NCPU,
    memoryBytes: info.MemTotal,
    rootless,
    reach: forced ?? (elsewhere ? 'published' : 'direct'),
  };
}

async function createNetwork(docker: Docker, project: string, network: string, signal: AbortSignal): Promise<void> {
  await asUserError(`network ${network}`, () =>
    tolerate(
      docker.createNetwork({
        Name: network,
        Driver: 'bridge',
        CheckDuplicate: true,
        Labels: { [LABEL.project]: project },
        abortSignal: signal,
      }),
      isConflict,
    ),
  );
}

async function createContainer(docker: Docker, container: DesiredContainer, signal: AbortSignal): Promise<void> {
  const { name } = container;
  await asUserError(name, async () => {
    try {
      await docker.createContainer({ ...containerBody(container), abortSignal: signal });
    } catch (error) {
      if (!isConflict(error)) throw error;
      const found = await inspectOne(docker, name, signal);
      if (found?.hash === container.hash) return;
      throw new UserError('NAME_TAKEN', `a container named ${name} is here already and is not this project's`, {
        exitCode: EXIT.preflight,
        hint: `remove it with docker rm ${name}, or choose another project name with -p`,
        cause: error,
      });
    }
    await writeFiles(docker, name, container.files, signal);
  });
}

async function removeContainer(docker: Docker, name: string, signal: AbortSignal): Promise<void> {
  await asUserError(`removal of ${name}`, async () => {
    try {
      await docker.getContainer(name).remove({ force: true, v: true, abortSignal: signal });
    } catch (error) {
      if (isNotFound(error)) return;
      if (!isConflict(error)) throw error;
      // Somebody else is removing it at this moment.
      await tolerate(docker.getContainer(name).wait({ condition: 'removed', abortSignal: signal }), isNotFound);
    }
  });
}

async function readStats(docker: Docker, name: string, signal: AbortSignal): Promise<ContainerStats> {
  signal.throwIfAborted();
  const stats = await asUserError(`stats of ${name}`, () => docker.getContainer(name).stats({ stream: false }));
  const cpuNanos = stats.cpu_stats.cpu_usage.total_usage - (stats.precpu_stats.cpu_usage.total_usage ?? 0);
  const wallMs = Date.parse(stats.read) - Date.parse(stats.preread);
  const cached = stats.memory_stats.stats?.total_inactive_file ?? stats.memory_stats.stats?.inactive_file ?? 0;
  return {
    name,
    cpus: wallMs > 0 ? cpuNanos / 1e6 / wallMs : 0,
    memoryBytes: Math.max(0, (stats.memory_stats.usage ?? 0) - cached),
  };
}
