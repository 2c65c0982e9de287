import { readFile } from 'node:fs/promises';
import type Docker from 'dockerode';
import type { EngineFacts, Reach } from '../../model/host-inventory.ts';
import { callEngine } from './engine-errors.ts';

/** What decides how containers are reached. */
export interface EnginePlace {
  readonly platform: string;
  /** /proc/sys/kernel/osrelease; empty where there is none. */
  readonly kernel: string;
  readonly operatingSystem: string;
  readonly rootless: boolean;
}

/**
 * Whether this process stands on the bridges of the engine. Docker Desktop and rootless engines keep them in a network namespace
 * of their own; WSL2 hosts both kinds of engine, and published ports work with each (DESIGN decision 3).
 */
export function isOnBridges(place: EnginePlace): boolean {
  const apart = place.rootless || /docker desktop/i.test(place.operatingSystem) || isWsl(place.kernel);
  return place.platform === 'linux' && !apart;
}

function isWsl(kernel: string): boolean {
  return /microsoft/i.test(kernel);
}

async function readKernel(): Promise<string> {
  try {
    return await readFile('/proc/sys/kernel/osrelease', 'utf8');
  } catch {
    return '';
  }
}

/** CAP_SYS_RESOURCE in include/uapi/linux/capability.h. */
const SYS_RESOURCE = 24n;

/** False where the bounding set of this machine's processes, its engine's too, lacks the capability to raise limits. */
function canRaiseLimits(status: string): boolean {
  const bounding = /^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  return bounding === undefined || ((BigInt(`0x${bounding}`) >> SYS_RESOURCE) & 1n) === 1n;
}

async function readStatus(): Promise<string> {
  try {
    return await readFile('/proc/self/status', 'utf8');
  } catch {
    return '';
  }
}

/** What the engine says about itself; `forced` overrules how containers are reached. */
export async function readFacts(docker: Docker, forced: Reach | undefined, signal: AbortSignal): Promise<EngineFacts> {
  const [info, version, kernel, status] = await callEngine({ what: 'the engine', signal }, () =>
    Promise.all([docker.info(), docker.version(), readKernel(), readStatus()]),
  );
  signal.throwIfAborted();
  const rootless = (info.SecurityOptions ?? []).some((option: string) => option.includes('rootless'));
  const direct = isOnBridges({
    platform: process.platform,
    kernel,
    operatingSystem: info.OperatingSystem ?? '',
    rootless,
  });
  const desktop = /docker desktop/i.test(info.OperatingSystem ?? '') || process.platform !== 'linux';
  return {
    serverVersion: version.Version,
    apiVersion: version.ApiVersion,
    rootDirectory: desktop ? undefined : info.DockerRootDir,
    cpus: info.NCPU,
    memoryBytes: info.MemTotal,
    rootless,
    filtersGpus: !isWsl(kernel),
    raisesLimits: !rootless && (desktop || canRaiseLimits(status)),
    reach: forced ?? (direct ? 'direct' : 'published'),
  };
}
