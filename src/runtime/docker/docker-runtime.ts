import type Docker from 'dockerode';
import type { Reach } from '../../model/host-inventory.ts';
import type { Runtime } from '../../model/runtime.ts';
import { attachExec } from './attach-exec.ts';
import { connectEngine, type Environment, findEngine } from './connect-engine.ts';
import { createContainer } from './create-container.ts';
import { createNetwork, removeNetwork } from './create-network.ts';
import { createVolume, removeVolume } from './create-volume.ts';
import { callEngine, isConflict, isNotFound, isNotModified, tolerate } from './engine-errors.ts';
import { inspectOne, observe, observeContainers, observeGpuHolds } from './observe.ts';
import { pullImage } from './pull-image.ts';
import { readFacts } from './read-facts.ts';
import { readLogs } from './read-logs.ts';
import { readStats } from './read-stats.ts';
import { runExec } from './run-exec.ts';
import { startContainer } from './start-container.ts';
import { watchEvents } from './watch-events.ts';

export interface DockerRuntimeOptions {
  /** DOCKER_HOST, DOCKER_CONTEXT, DOCKER_CONFIG, HOME and, for credential helpers, PATH. */
  readonly env: Environment;
  /** Forces how containers are reached; else the engine decides. */
  readonly reach?: Reach;
}

/** The container runtime of a Docker Engine on this machine. Nothing is asked yet; an engine elsewhere is ENGINE_REMOTE (exit 3). */
export async function createDockerRuntime({ env, reach }: DockerRuntimeOptions): Promise<Runtime> {
  const docker = await connectEngine(await findEngine(env));
  return {
    kind: 'docker',
    facts: (signal) => readFacts(docker, reach, signal),
    observe: (project, images, signal) => observe(docker, project, images, signal),
    observeAll: (signal) => callEngine({ what: 'observe', signal }, () => observeContainers(docker, undefined, signal)),
    gpuHolds: (signal) => callEngine({ what: 'observe', signal }, () => observeGpuHolds(docker, signal)),
    inspect: (name, signal) => inspectOne(docker, name, signal),

    pullImage: (image, options, signal) => pullImage(docker, image, { ...options, env }, signal),
    createNetwork: (project, network, signal) => createNetwork(docker, project, network, signal),
    removeNetwork: (network, signal) => removeNetwork(docker, network, signal),
    createVolume: (project, volume, signal) => createVolume(docker, project, volume, signal),
    removeVolume: (volume, signal) => removeVolume(docker, volume, signal),
    createContainer: (container, signal) => createContainer(docker, container, signal),
    startContainer: (name, signal) => startContainer(docker, name, signal),
    stopContainer: (name, graceSeconds, signal) =>
      callEngine({ what: `stop of ${name}`, signal }, () =>
        tolerate(
          docker.getContainer(name).stop({ t: Math.ceil(graceSeconds), abortSignal: signal }),
          isNotModified,
          isNotFound,
        ),
      ),
    // A conflict says that it does not run.
    killContainer: (name, signal) =>
      callEngine({ what: `kill of ${name}`, signal }, () =>
        tolerate(docker.getContainer(name).kill({ abortSignal: signal }), isConflict, isNotFound),
      ),
    removeContainer: (name, signal) => removeContainer(docker, name, signal),
    // A conflict says that it is being removed.
    setRestartPolicy: (name, policy, signal) =>
      callEngine({ what: `restart policy of ${name}`, signal }, () =>
        tolerate(
          docker.getContainer(name).update({ RestartPolicy: { Name: policy }, abortSignal: signal }),
          isConflict,
          isNotFound,
        ),
      ),

    // Containers are the engine's: they stay when a client ends.
    prepare: () => undefined,
    hold: async () => ({ release: async () => undefined }),

    logs: (name, options, signal) => readLogs(docker, name, options, signal),
    events: (project, signal) => watchEvents(docker, project, signal),
    exec: (name, command, signal) => runExec(docker, name, command, signal),
    attachExec: (name, options, signal) => attachExec(docker, name, options, signal),
    stats: (names, signal) => readStats(docker, names, signal),
  };
}

async function removeContainer(docker: Docker, name: string, signal: AbortSignal): Promise<void> {
  const container = docker.getContainer(name);
  await callEngine({ what: `removal of ${name}`, signal }, async () => {
    try {
      await container.remove({ force: true, v: true, abortSignal: signal });
    } catch (error) {
      if (isNotFound(error)) return;
      if (!isConflict(error)) throw error;
      // Somebody else is removing it at this moment.
      await tolerate(container.wait({ condition: 'removed', abortSignal: signal }), isNotFound);
    }
  });
}
