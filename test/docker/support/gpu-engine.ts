import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { execa } from 'execa';
import { connectEngine, findEngine } from '../../../src/runtime/docker/connect-engine.ts';

/** dockerd registers its nvidia driver when a program of this name is on its PATH at start; runc calls it before the container runs. */
const HOOK = 'nvidia-container-runtime-hook';
const READY_WITHIN_MS = 20_000;
const STOPPED_WITHIN_MS = 15_000;

/** True where an engine of one's own can be started: root, and a dockerd on PATH. */
export function canStartEngine(): boolean {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return process.getuid?.() === 0 && folders.some((folder) => isProgram(join(folder, 'dockerd')));
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * A Docker Engine beside the machine's own that takes GPU requests on a machine without a GPU. Its socket, data, bridge and stub are
 * below one temporary folder and go when it is disposed; it writes no packet filter rules, since it would remove those of the other engine.
 */
export class GpuEngine implements AsyncDisposable {
  readonly #folder: string;
  readonly #bridge: string;
  readonly #daemon: ChildProcess;
  readonly docker: Docker;
  /** The environment of programs that shall use it. */
  readonly env: Readonly<Record<string, string | undefined>>;

  constructor(parts: {
    readonly folder: string;
    readonly bridge: string;
    readonly daemon: ChildProcess;
    readonly docker: Docker;
    readonly env: Readonly<Record<string, string | undefined>>;
  }) {
    this.#folder = parts.folder;
    this.#bridge = parts.bridge;
    this.#daemon = parts.daemon;
    this.docker = parts.docker;
    this.env = parts.env;
  }

  /** Brings an image over from the machine's own engine. */
  async copyImage(image: string): Promise<void> {
    const from = await connectEngine(await findEngine(process.env));
    const loading = await this.docker.loadImage(await from.getImage(image).get());
    await new Promise<void>((resolve, reject) => {
      this.docker.modem.followProgress(loading, (error) => (error ? reject(error) : resolve()));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const containers = await this.docker.listContainers({ all: true }).catch(() => []);
    await Promise.all(
      containers.map(({ Id }) =>
        this.docker
          .getContainer(Id)
          .remove({ force: true, v: true })
          .catch(() => undefined),
      ),
    );
    // Their bridges would stay in the kernel, and their addresses would be taken for the machine's own engine.
    await this.docker.pruneNetworks().catch(() => undefined);
    await stopEngine(this.#daemon, this.#folder, this.#bridge);
  }
}

async function stopEngine(daemon: ChildProcess, folder: string, bridge: string): Promise<void> {
  if (daemon.exitCode === null && daemon.kill('SIGTERM')) {
    await once(daemon, 'exit', { signal: AbortSignal.timeout(STOPPED_WITHIN_MS) }).catch(() => daemon.kill('SIGKILL'));
  }
  await execa('ip', ['link', 'delete', bridge], { reject: false });
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '');
  for (const path of mounts.filter((mount) => mount.startsWith(`${folder}/`)).toReversed())
    await execa('umount', ['--lazy', path], { reject: false });
  await rm(folder, { recursive: true, force: true });
}

export interface GpuEngineOptions {
  /** Where `dockerd` is, in place of the one on PATH. */
  readonly programs?: string;
  /** It knows GPUs of these UUIDs by CDI and has no hook; each tells its container its UUID in `CDI_GPU`. Engines from 25 on. */
  readonly cdi?: readonly string[];
}

/** A specification of the Container Device Interface as `nvidia-ctk cdi generate` writes one, without devices that are not there. */
function cdiSpec(uuids: readonly string[]): string {
  return JSON.stringify({
    cdiVersion: '0.5.0',
    kind: 'nvidia.com/gpu',
    devices: uuids.map((name) => ({ name, containerEdits: { env: [`CDI_GPU=${name}`] } })),
  });
}

/** Starts one; about a second. */
export async function startGpuEngine({ programs, cdi }: GpuEngineOptions = {}): Promise<GpuEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'gpu-engine-'));
  const bridge = `dyn${randomBytes(4).toString('hex')}`;
  const bin = join(folder, 'bin');
  await mkdir(bin);
  if (cdi === undefined) await writeFile(join(bin, HOOK), '#!/bin/sh\ncat >/dev/null\nexit 0\n', { mode: 0o755 });
  const specs = join(folder, 'cdi');
  await mkdir(specs);
  if (cdi !== undefined) await writeFile(join(specs, 'nvidia.json'), cdiSpec(cdi));
  const config = cdi === undefined ? {} : { features: { cdi: true }, 'cdi-spec-dirs': [specs] };
  await writeFile(join(folder, 'daemon.json'), JSON.stringify(config));
  await execa('ip', ['link', 'add', bridge, 'type', 'bridge']);
  await execa('ip', ['addr', 'add', `10.${randomInt(200, 250)}.${randomInt(0, 250)}.1/24`, 'dev', bridge]);
  await execa('ip', ['link', 'set', bridge, 'up']);
  const socket = `unix://${join(folder, 'd.sock')}`;
  const path = [bin, ...(programs === undefined ? [] : [programs]), process.env.PATH].join(delimiter);
  const daemon = spawn(
    programs === undefined ? 'dockerd' : join(programs, 'dockerd'),
    [
      ['--config-file', join(folder, 'daemon.json')],
      [
        '-H',
        socket,
        '-p',
        join(folder, 'pid'),
        '--data-root',
        join(folder, 'data'),
        '--exec-root',
        join(folder, 'exec'),
      ],
      ['--bridge', bridge, '--iptables=false', '--ip-masq=false', '--containerd-namespace', bridge],
      ['--containerd-plugins-namespace', `${bridge}-plugins`],
      // Apart from those that the machine's own engine gives its networks, of which it has thirty.
      ['--default-address-pool', `base=10.${randomInt(100, 200)}.0.0/16,size=26`],
    ].flat(),
    { env: { ...process.env, PATH: path }, stdio: 'ignore' },
  );
  const env = { ...process.env, DOCKER_HOST: socket };
  const docker = await connectEngine(await findEngine(env));
  const giveUpAt = Date.now() + READY_WITHIN_MS;
  while (!(await answers(docker))) {
    if (Date.now() > giveUpAt || daemon.exitCode !== null) {
      await stopEngine(daemon, folder, bridge);
      throw new Error('the second Docker Engine does not start');
    }
    await sleep(50);
  }
  return new GpuEngine({ folder, bridge, daemon, docker, env });
}

async function answers(docker: Docker): Promise<boolean> {
  try {
    await docker.ping();
    return true;
  } catch {
    return false;
  }
}
