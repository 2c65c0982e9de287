import { rm } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import type { DesiredContainer, DesiredVolume } from '../../model/desired-state.ts';
import { EXIT, UserError } from '../../model/diagnostic.ts';
import { LABEL } from '../../model/labels.ts';
import { containerFolder, projectFolder, volumesFolder } from '../../model/process-paths.ts';
import type { Runtime } from '../../model/runtime.ts';
import { makePrivateFolder, type ReadContainer, readContainer } from './container-state.ts';
import { Keepers } from './keepers.ts';
import { findContainer, inspect, observe, observeAll, observeGpuHolds, type Place } from './observe.ts';
import type { Request } from './protocol.ts';
import { readLogs } from './read-logs.ts';
import { readStats } from './read-stats.ts';
import { attachCommand, runCommand } from './run-command.ts';
import { watchEvents } from './watch-events.ts';

export interface ProcessRuntimeOptions {
  /** Where projects are. */
  readonly root: string;
  /** The script that keepers run. */
  readonly keeper: string;
  /** What processes have from the user's environment. */
  readonly base: Readonly<Record<string, string>>;
}

/**
 * Replicas as processes of this machine, each in a session of its own, kept by one process per project: for people who are inside a
 * Dynamo container already, or have no engine. What a container has and a process cannot have is the layout's to refuse.
 */
export function createProcessRuntime({ root, keeper, base }: ProcessRuntimeOptions): Runtime {
  const place: Place = { root, keepers: new Keepers(keeper) };
  const folderOf = (project: string) => projectFolder(root, project);
  const ask = (project: string, request: Request, signal: AbortSignal) =>
    place.keepers.ask(folderOf(project), request, signal);
  /** Asks the keeper of a container; what is in no project is gone. */
  const askOf = async (name: string, request: (name: string) => Request, signal: AbortSignal) => {
    const at = await findContainer(place, name);
    if (at) await ask(at.project, request(at.name), signal);
  };
  const read = async (name: string) => {
    const at = await findContainer(place, name);
    const folder = at && containerFolder(folderOf(at.project), at.name);
    const found = folder === undefined ? undefined : await readContainer(folder);
    if (!found || folder === undefined) throw gone(name);
    return { folder, found };
  };
  const running = async (name: string) => {
    const { folder, found } = await read(name);
    if ((await inspect(place, name))?.status !== 'running') throw gone(name, 'does not run');
    return { folder, spec: whole(name, found).spec };
  };
  return {
    kind: 'process',
    facts: async () => ({
      serverVersion: process.version,
      apiVersion: 'process',
      rootDirectory: undefined,
      cpus: availableParallelism(),
      memoryBytes: totalmem(),
      rootless: process.getuid?.() !== 0,
      raisesLimits: false,
      filtersGpus: true,
      reach: 'published',
    }),
    observe: (project, images) => observe(place, project, images),
    observeAll: () => observeAll(place),
    gpuHolds: () => observeGpuHolds(place),
    inspect: (name) => inspect(place, name),

    pullImage: async (image) => {
      throw new UserError('NO_IMAGES', `processes have no images: ${image} cannot be pulled`, {
        exitCode: EXIT.preflight,
        hint: 'leave --pull out, or use --runtime docker',
      });
    },
    createNetwork: (project, _network, signal) => ask(project, { kind: 'makeProject', project }, signal),
    removeNetwork: (network, signal) => {
      const project = network.replace(/_default$/, '');
      return ask(project, { kind: 'removeProject', project }, signal);
    },
    createVolume: (project, volume) => createVolume(folderOf(project), volume),
    removeVolume: (volume) => removeVolume(folderOf(volume.slice(0, volume.indexOf('_'))), volume),
    createContainer: (container, signal) => {
      const project = container.labels[LABEL.project] ?? '';
      return ask(project, createRequest(container, base), signal);
    },
    startContainer: async (name, signal) => {
      const at = await findContainer(place, name);
      if (!at) throw gone(name);
      await ask(at.project, { kind: 'start', name: at.name }, signal);
    },
    stopContainer: (name, graceSeconds, signal) =>
      askOf(name, (own) => ({ kind: 'stop', name: own, graceSeconds }), signal),
    killContainer: (name, signal) => askOf(name, (own) => ({ kind: 'kill', name: own }), signal),
    removeContainer: (name, signal) => askOf(name, (own) => ({ kind: 'remove', name: own }), signal),
    setRestartPolicy: (name, policy, signal) =>
      askOf(name, (own) => ({ kind: 'setRestartPolicy', name: own, policy }), signal),
    prepare: (project) => {
      // Whoever asks something of it is told why it does not start.
      place.keepers.get(folderOf(project), new AbortController().signal).catch(() => undefined);
    },
    hold: async (project, signal) => {
      const held = await place.keepers.get(folderOf(project), signal);
      await held.ask({ kind: 'hold', project }, signal);
      const never = new AbortController().signal;
      return { release: async () => (held.isOpen ? held.ask({ kind: 'release', project }, never) : undefined) };
    },

    logs: async function* (name, options, signal) {
      const { folder } = await read(name);
      const isWritten = async () => (await inspect(place, name))?.status === 'running';
      yield* readLogs({ folder, name, isWritten }, options, signal);
    },
    events: (project, signal) => watchEvents(place, project, signal),
    exec: async (name, command, signal) => {
      const { folder, spec } = await running(name);
      return runCommand(spec, folder, command, signal);
    },
    attachExec: async (name, options, signal) => {
      const { folder, spec } = await running(name);
      return attachCommand(spec, folder, options, signal);
    },
    stats: async (names, signal) => {
      const found = await Promise.all(
        names.map(async (name) => {
          const at = await findContainer(place, name);
          return at ? [{ name, folder: containerFolder(folderOf(at.project), at.name) }] : [];
        }),
      );
      return readStats(found.flat(), signal);
    },
  };
}

function gone(name: string, how = 'is not on this machine'): UserError {
  return new UserError('NOT_FOUND', `${name} ${how}`, { exitCode: EXIT.startFailed });
}

function whole(name: string, found: ReadContainer): Extract<ReadContainer, { kind: 'whole' }> {
  if (found.kind === 'whole') return found;
  throw new UserError('STATE_TORN', `the state of ${name} cannot be trusted: ${found.problem}`, {
    exitCode: EXIT.startFailed,
    hint: 'dynamo down removes it',
  });
}

function createRequest(desired: DesiredContainer, base: Readonly<Record<string, string>>): Request {
  const { files, ...container } = desired;
  return {
    kind: 'create',
    container,
    base,
    files: files.map(({ path, content, mode }) => ({ path, base64: Buffer.from(content).toString('base64'), mode })),
  };
}

/** A directory stands for a volume. */
async function createVolume(project: string, { name, scratch }: DesiredVolume): Promise<void> {
  await makePrivateFolder(join(volumesFolder(project, scratch), name));
}

async function removeVolume(project: string, name: string): Promise<void> {
  await Promise.all(
    [true, false].map((scratch) => rm(join(volumesFolder(project, scratch), name), { recursive: true, force: true })),
  );
}
