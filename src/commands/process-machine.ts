import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { isPortFree } from '../host/find-port.ts';
import { findProgram } from '../host/find-programs.ts';
import { type DynamoPython, findPython, readPython } from '../host/read-python.ts';
import { directoryFiles, hubCacheFiles } from '../mock/tiny-model.ts';
import type { DesiredFile, DesiredState } from '../model/desired-state.ts';
import { EXIT, throwOnErrors, UserError } from '../model/diagnostic.ts';
import { projectFolder } from '../model/process-paths.ts';
import type { Runtime } from '../model/runtime.ts';
import { isAtLeast } from '../model/version.ts';
import type { HostFolder } from '../plan/model-cache.ts';
import { assignPorts, listPortRequests } from '../plan/processes/assign-ports.ts';
import { writeDefaultPorts } from '../plan/processes/default-ports.ts';
import { type LaidOutProcesses, layOutProcesses } from '../plan/processes/lay-out-processes.ts';
import type { ImageContents, ProcessInfra } from '../plan/processes/process-machine.ts';
import { canLimitMemory } from '../runtime/process/memory-group.ts';
import type { GraphFlags } from './graph-flags.ts';
import { cacheFolder } from './hugging-face.ts';
import type { Io } from './io.ts';
import { processRoot } from './runtime-kind.ts';

/** The interpreter of `--python` (or the active environment's), and its Dynamo. */
export async function readDynamoPython(flag: string | undefined, io: Io): Promise<DynamoPython> {
  return readPython(await findPython(flag, io.env, io.cwd), io.env, io.interrupted);
}

/** Processes run as the caller and use the caller's cache, which the hub client makes where it is missing. */
export function processCache(io: Io): HostFolder {
  const path = cacheFolder(io.env, io.env.HOME || homedir());
  return { path, owner: process.getuid?.() ?? 0, open: true };
}

/** A graph of containers as processes of this machine, their ports given. Throws with everything that cannot be had (exit 2). */
export async function placeProcesses(
  contained: DesiredState,
  python: DynamoPython,
  { flags, io, runtime }: { readonly flags: GraphFlags; readonly io: Io; readonly runtime: Runtime },
): Promise<LaidOutProcesses> {
  const desired = writeDefaultPorts(contained);
  const [infra, observed] = await Promise.all([
    chooseInfra(desired, python.dynamoVersion, flags, io),
    runtime.observeAll(io.interrupted),
  ]);
  const ports = await assignPorts({
    project: desired.project,
    requests: listPortRequests(desired),
    observed,
    // What takes a port of every address takes it of ours.
    isFree: async (port) => (await isPortFree('127.0.0.1', port)) && (await isPortFree('0.0.0.0', port)),
  });
  let contents: ImageContents | undefined;
  const laid = layOutProcesses({
    desired,
    ports,
    machine: {
      python: python.path,
      dynamoVersion: python.dynamoVersion,
      folder: projectFolder(processRoot(io), desired.project),
      workingDirectory: io.cwd,
      infra,
      bind: flags.bind,
      userId: process.getuid?.() ?? 0,
      limitsMemory: canLimitMemory(),
      isHere: existsSync,
      imageContents: (image) => {
        if (!/(?:^|\/)dynamo-cpu[:@]/.test(image)) return undefined;
        contents ??= cpuImageContents();
        return contents;
      },
    },
  });
  throwOnErrors(laid.diagnostics);
  return laid;
}

/** etcd and NATS of PATH; else, from 1.2 on, none at all. PROCESS_INFRA (exit 3) for runtimes that cannot do without. */
async function chooseInfra(desired: DesiredState, version: string, flags: GraphFlags, io: Io): Promise<ProcessInfra> {
  if (flags.infraEndpoints !== undefined) return { kind: 'shared' };
  const [etcd, nats] = await Promise.all([findProgram('etcd', io.env), findProgram('nats-server', io.env)]);
  const needsNats = desired.servers.nats;
  if (etcd !== undefined && (nats !== undefined || !needsNats))
    return { kind: 'own', etcd, nats: needsNats ? nats : undefined };
  if (isAtLeast(version, 1, 2)) return { kind: 'files' };
  const missing = [...(etcd === undefined ? ['etcd'] : []), ...(nats === undefined ? ['nats-server'] : [])];
  throw new UserError('PROCESS_INFRA', `ai-dynamo ${version} needs ${missing.join(' and ')}, which PATH has not`, {
    exitCode: EXIT.preflight,
    hint: 'install etcd-server and nats-server, name servers with --infra-endpoints, or use ai-dynamo 1.2 or newer, which needs neither',
  });
}

const TINY = 'local/tiny';
const HUB = '/opt/dynamo/hf';
const WORKSPACE = '/workspace';

/** The CPU image of compose/images brings a model: as a hub cache, and as a directory below its working directory. */
function cpuImageContents(): ImageContents {
  const files = (root: string, texts: Readonly<Record<string, string>>) =>
    Object.entries(texts).map(
      ([path, content]): DesiredFile => ({
        path: `${root}/${path}`,
        content,
        mode: 0o644,
        secret: false,
        owner: undefined,
      }),
    );
  return {
    files: [...files(`${HUB}/hub`, hubCacheFiles(TINY)), ...files(WORKSPACE, directoryFiles(TINY))],
    env: { HF_HOME: HUB, HF_HUB_OFFLINE: '1' },
    workingDir: WORKSPACE,
  };
}
