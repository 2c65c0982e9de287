import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { type Command, Option } from 'commander';
import type { Finding, MachineFacts } from '../diagnose/judge-machine.ts';
import { EXIT, UserError } from '../model/diagnostic.ts';
import type { ObservedContainer } from '../model/observed-state.ts';
import type { Runtime } from '../model/runtime.ts';
import { connectDocker } from './connect.ts';
import { type Io, print, printJson } from './io.ts';

interface DoctorFlags {
  readonly format: 'text' | 'json';
}

/** The frontend's port when nobody says another. */
const PORT = 8000;
/** dockerd looks for the first itself; the others make its configuration (NVIDIA Container Toolkit). */
const TOOLKIT = ['nvidia-container-runtime-hook', 'nvidia-container-runtime', 'nvidia-ctk'];

/** `dynamo doctor`: what this machine lacks for graphs, each with what to do; exit 3 when something is missing that every graph needs. */
export function registerDoctor(program: Command, io: Io, setExitCode: (code: number) => void): void {
  program
    .command('doctor')
    .description('check this machine: Docker, GPUs, driver, disk, port, token; each problem with its fix')
    .addOption(new Option('--format <format>').choices(['text', 'json']).default('text'))
    .action(async (flags: DoctorFlags) => {
      const { judgeMachine } = await import('../diagnose/judge-machine.ts');
      const findings = judgeMachine(await readMachine(io));
      if (flags.format === 'json') printJson(io, findings);
      else print(io, formatFindings(findings));
      if (findings.some(({ outcome }) => outcome === 'error')) setExitCode(EXIT.preflight);
    });
}

const MARK = { ok: '✔', warning: '!', error: '✘' } as const;

function formatFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  return findings
    .flatMap(({ check, outcome, detail, fix }) => [
      `${MARK[outcome]} ${check.padEnd(width)}  ${detail}`,
      ...(fix === undefined ? [] : [`  ${''.padEnd(width)}  → ${fix}`]),
    ])
    .join('\n');
}

interface EngineLook {
  readonly engine: MachineFacts['engine'];
  readonly containers: readonly ObservedContainer[];
  readonly imageCuda: ReadonlyMap<string, string>;
}

async function lookAtEngine(io: Io): Promise<EngineLook> {
  try {
    const runtime: Runtime = await connectDocker(io);
    const [engine, containers] = await Promise.all([runtime.facts(io.interrupted), runtime.observeAll(io.interrupted)]);
    const images = [...new Set(containers.filter(({ role }) => role === 'main').map(({ image }) => image))];
    const observed = await runtime.observe('doctor', images, io.interrupted);
    const imageCuda = [...observed.images].flatMap(([image, { cudaVersion }]) =>
      cudaVersion === undefined ? [] : [[image, cudaVersion] as const],
    );
    return { engine, containers, imageCuda: new Map(imageCuda) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { engine: { problem: error.message, hint: error.hint }, containers: [], imageCuda: new Map() };
  }
}

async function lookAtPython(io: Io): Promise<MachineFacts['python']> {
  const [{ findPython, readPython }, { findPrograms }] = await Promise.all([
    import('../host/read-python.ts'),
    import('../host/find-programs.ts'),
  ]);
  try {
    const python = await readPython(await findPython(undefined, io.env, io.cwd), io.env, io.interrupted);
    return { ...python, servers: await findPrograms(['etcd', 'nats-server'], io.env) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { problem: error.message, hint: error.hint };
  }
}

async function readMachine(io: Io): Promise<MachineFacts> {
  const [{ readGpuInventory }, { findPrograms }, { freeBytes }, { isPortFree }, { findHuggingFace }] =
    await Promise.all([
      import('../host/read-gpu-inventory.ts'),
      import('../host/find-programs.ts'),
      import('../host/free-bytes.ts'),
      import('../host/find-port.ts'),
      import('./hugging-face.ts'),
    ]);
  const [look, python, gpus, toolkit, shmBytes, free, hub, kernel] = await Promise.all([
    lookAtEngine(io),
    lookAtPython(io),
    readGpuInventory(io.env, io.interrupted),
    findPrograms(TOOLKIT, io.env),
    freeBytes('/dev/shm'),
    isPortFree('127.0.0.1', PORT),
    findHuggingFace(io.env, io.env.HOME || homedir()),
    readFile('/proc/sys/kernel/osrelease', 'utf8').catch(() => ''),
  ]);
  const { engine, containers, imageCuda } = look;
  const path = 'problem' in engine ? undefined : engine.rootDirectory;
  const diskFree = path === undefined ? undefined : await freeBytes(path);
  const running = containers.filter(({ status }) => status === 'running');
  const holder = running.find(({ published }) => published.some(({ hostPort }) => hostPort === PORT));
  const alive = new Set(running.map(({ project }) => project));
  const fromEnv = io.env.HF_TOKEN
    ? 'HF_TOKEN'
    : io.env.HUGGING_FACE_HUB_TOKEN
      ? 'HUGGING_FACE_HUB_TOKEN'
      : 'hf auth login';
  return {
    nodeVersion: process.version,
    engine,
    python,
    gpus,
    toolkit,
    wsl: /microsoft/i.test(kernel),
    imageCuda,
    heldGpus: new Set(running.flatMap((container) => container.gpus)),
    ownEngine: !io.env.DOCKER_HOST && !io.env.DOCKER_CONTEXT,
    disk: path === undefined || diskFree === undefined ? undefined : { path, freeBytes: diskFree },
    shmBytes,
    port: { number: PORT, free, holder: holder && `project ${holder.project} (${holder.name})` },
    tokenSource: hub.token === undefined ? undefined : fromEnv,
    stoppedProjects: [...new Set(containers.map(({ project }) => project))]
      .filter((project) => !alive.has(project))
      .toSorted(),
  };
}
