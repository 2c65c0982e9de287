import { listDevices } from '../model/gpu-device.ts';
import type { EngineFacts, Gpu, GpuInventory } from '../model/host-inventory.ts';
import { formatBytes } from '../model/quantity.ts';

/** What one look at the machine found; `fix` says what to do where something is not as it should be. */
export interface Finding {
  readonly check: string;
  readonly outcome: 'ok' | 'warning' | 'error';
  readonly detail: string;
  readonly fix?: string;
}

/** Everything `doctor` looks at, read at one moment. No secret is in it. */
export interface MachineFacts {
  readonly nodeVersion: string;
  /** Undefined with the reason when no engine answers. */
  readonly engine: EngineFacts | { readonly problem: string; readonly hint: string | undefined };
  /** What `--runtime process` would run on. */
  readonly python:
    | { readonly path: string; readonly dynamoVersion: string; readonly servers: readonly string[] }
    | { readonly problem: string; readonly hint: string | undefined };
  readonly gpus: GpuInventory;
  /** Programs of the NVIDIA Container Toolkit that are on PATH. */
  readonly toolkit: readonly string[];
  readonly wsl: boolean;
  /** CUDA version of images that are here, by image. */
  readonly imageCuda: ReadonlyMap<string, string>;
  /** GPUs that running replicas hold. */
  readonly heldGpus: ReadonlySet<string>;
  /** The engine is the machine's own, and none that DOCKER_HOST names. */
  readonly ownEngine: boolean;
  /** Where the engine keeps images, and what is free there; undefined where it cannot be looked at. */
  readonly disk: { readonly path: string; readonly freeBytes: number } | undefined;
  /** Free in /dev/shm; undefined where there is none. */
  readonly shmBytes: number | undefined;
  readonly port: { readonly number: number; readonly free: boolean; readonly holder: string | undefined };
  /** Where the Hugging Face token is from; undefined: there is none. */
  readonly tokenSource: string | undefined;
  /** Projects of which nothing runs any more. */
  readonly stoppedProjects: readonly string[];
}

const LEAST_NODE: readonly number[] = [20, 19];
/** An image with an engine takes 12 GB and more (facts/peers.md §D1). */
const DISK_WARNING = 40 * 2 ** 30;
const DISK_ERROR = 2 * 2 ** 30;
/** What the operator gives a worker (facts/operator.md: shared memory defaults to 8Gi). */
const SHM_WARNING = 8 * 2 ** 30;
/** Memory of a GPU that a foreign process holds and that is not worth a word: a desktop's. */
const SMALL_BYTES = 512 * 2 ** 20;
/** Driver that each major version of CUDA needs at least (NVIDIA, CUDA compatibility, minor version compatibility; 13: facts/runtime.md §5). */
const CUDA_DRIVER: Readonly<Record<string, readonly number[]>> = { 11: [450, 80], 12: [525, 60], 13: [580, 0] };

function versionOf(text: string): readonly number[] {
  return text.split('.').map((part) => Number.parseInt(part, 10) || 0);
}

function isAtLeast(version: readonly number[], least: readonly number[]): boolean {
  for (const [index, wanted] of least.entries()) {
    const have = version[index] ?? 0;
    if (have !== wanted) return have > wanted;
  }
  return true;
}

function ok(check: string, detail: string): Finding {
  return { check, outcome: 'ok', detail };
}

function warning(check: string, detail: string, fix: string): Finding {
  return { check, outcome: 'warning', detail, fix };
}

function error(check: string, detail: string, fix: string): Finding {
  return { check, outcome: 'error', detail, fix };
}

/** All findings, in the order in which things are needed. */
export function judgeMachine(facts: MachineFacts): readonly Finding[] {
  return [
    judgeNode(facts),
    ...judgeEngine(facts),
    judgePython(facts),
    ...judgeGpus(facts),
    ...judgeProcesses(facts),
    ...judgeDisk(facts),
    ...judgeShm(facts),
    judgePort(facts),
    judgeToken(facts),
    ...judgeProjects(facts),
  ];
}

function judgeNode({ nodeVersion }: MachineFacts): Finding {
  const version = nodeVersion.replace(/^v/, '');
  return isAtLeast(versionOf(version), LEAST_NODE)
    ? ok('node', version)
    : error('node', `${version} is too old`, `install Node ${LEAST_NODE.join('.')} or newer`);
}

function judgeEngine({ engine, python, wsl }: MachineFacts): readonly Finding[] {
  if ('problem' in engine) {
    const fix = engine.hint ?? 'install Docker Engine, or start it: systemctl start docker';
    return 'problem' in python
      ? [error('docker', engine.problem, fix)]
      : [warning('docker', engine.problem, `${fix}; --runtime process runs graphs without it`)];
  }
  const reach =
    engine.reach === 'direct' ? 'containers are reached by address' : 'containers are reached by published ports';
  const findings = [
    ok('docker', `engine ${engine.serverVersion}, ${engine.cpus} CPUs, ${formatBytes(engine.memoryBytes)}; ${reach}`),
  ];
  if (engine.rootless)
    findings.push(
      warning(
        'docker',
        'the engine is rootless: limits cannot be raised, and GPUs need CDI or no-cgroups',
        'use a rootful engine for GPU graphs',
      ),
    );
  else if (!engine.raisesLimits)
    findings.push(
      warning(
        'limits',
        'this machine may not raise resource limits (no CAP_SYS_RESOURCE): memlock stays as it is',
        'RDMA and pinned memory may fail; give the virtual machine that capability',
      ),
    );
  if (wsl)
    findings.push(
      warning(
        'wsl',
        'on WSL2 the driver shows every GPU to every container',
        'CUDA_VISIBLE_DEVICES decides there; one GPU per machine is safe',
      ),
    );
  return findings;
}

/** Nobody needs it who has an engine. */
function judgePython({ python, engine }: MachineFacts): Finding {
  if (!('problem' in python)) {
    const { path, dynamoVersion, servers } = python;
    const through = servers.length > 0 ? servers.join(' and ') : 'files: no etcd is on PATH';
    return ok('python', `${path} has ai-dynamo ${dynamoVersion} for --runtime process; discovery through ${through}`);
  }
  const detail = `${python.problem}; only --runtime process needs it`;
  return 'problem' in engine
    ? warning('python', detail, python.hint ?? 'install Python 3.11 or newer')
    : ok('python', detail);
}

function judgeGpus({ gpus, toolkit, imageCuda, engine, ownEngine }: MachineFacts): readonly Finding[] {
  if (gpus.gpus.length === 0)
    return [
      warning(
        'gpus',
        gpus.problem ?? 'this machine has no GPU',
        `${driverFix(gpus.problem ?? '')}; without a GPU --mock runs any graph on the CPU`,
      ),
    ];
  const models = [...new Set(gpus.gpus.map(({ name }) => name))].join(', ');
  const findings = [ok('gpus', `${gpus.gpus.length} × ${models}, driver ${gpus.driverVersion ?? 'unknown'}`)];
  if (gpus.problem !== undefined) findings.push(error('gpus', gpus.problem, driverFix(gpus.problem)));
  findings.push(...judgeModes(gpus));
  if (!('problem' in engine)) findings.push(judgeToolkit(toolkit, ownEngine));
  for (const [image, cuda] of imageCuda) findings.push(judgeCuda(image, cuda, gpus.driverVersion));
  return findings;
}

/** What mends the driver, by what nvidia-smi complained of. */
function driverFix(problem: string): string {
  if (/not installed/.test(problem))
    return 'where there is a GPU, install its driver: apt-get install nvidia-driver, or nvidia.com/drivers';
  if (/mismatch/i.test(problem))
    return 'the driver was updated while it ran: reboot, or unload it (rmmod nvidia_uvm nvidia) and load it again';
  if (/communicate|not loaded|driver/i.test(problem) && !/lost/i.test(problem))
    return 'load the driver: modprobe nvidia; dmesg says why it does not load (a new kernel needs it built again, Secure Boot needs it signed)';
  if (/list/.test(problem)) return 'nvidia-smi says more; up judges by the memory that is in use';
  if (/lost|reset|Unknown Error/i.test(problem))
    return 'nvidia-smi --gpu-reset, or a reboot; dmesg | grep Xid says what happened';
  return 'nvidia-smi says more';
}

/** Modes of the driver that keep GPUs from being used as they are. */
function judgeModes({ gpus }: GpuInventory): readonly Finding[] {
  const list = (some: readonly Gpu[]) => `GPU ${some.map(({ index }) => index).join(', ')}`;
  const found = (check: string, some: readonly Gpu[], detail: string, fix: string): readonly Finding[] =>
    some.length === 0 ? [] : [warning(check, `${list(some)}: ${detail}`, fix)];
  return [
    ...found(
      'mig',
      gpus.filter(({ slices }) => slices?.length === 0),
      'MIG mode without slices, so nobody can use it',
      'nvidia-smi mig -cgi PROFILE -C makes some, nvidia-smi -mig 0 ends the mode',
    ),
    ...found(
      'compute-mode',
      gpus.filter(({ computeMode }) => computeMode === 'prohibited'),
      'compute mode Prohibited, so nobody can use it',
      'nvidia-smi -c DEFAULT',
    ),
    ...found(
      'compute-mode',
      gpus.filter(({ computeMode }) => computeMode === 'exclusive'),
      'compute mode Exclusive_Process, so replicas cannot share it (--share-gpus)',
      'nvidia-smi -c DEFAULT',
    ),
    ...found(
      'persistence',
      gpus.filter(({ persistent }) => persistent === false),
      'persistence mode is off, so its first use loads the driver, which takes seconds',
      'nvidia-smi -pm 1, or systemctl enable --now nvidia-persistenced',
    ),
  ];
}

/** dockerd looks on its own PATH: only of an engine that runs as this machine's own does the caller's tell something. */
function judgeToolkit(toolkit: readonly string[], ownEngine: boolean): Finding {
  if (toolkit.length > 0) return ok('toolkit', toolkit.join(', '));
  return !ownEngine
    ? warning(
        'toolkit',
        'the NVIDIA Container Toolkit is not on this PATH; the engine of DOCKER_HOST may have its own',
        'dynamo up says GPU_REFUSED where it has not: apt-get install nvidia-container-toolkit',
      )
    : error(
        'toolkit',
        'the NVIDIA Container Toolkit is not installed: containers get no GPU',
        'apt-get install nvidia-container-toolkit, nvidia-ctk runtime configure --runtime=docker, systemctl restart docker',
      );
}

function judgeCuda(image: string, cuda: string, driver: string | undefined): Finding {
  const needs = CUDA_DRIVER[String(versionOf(cuda)[0])];
  if (needs === undefined || driver === undefined) return ok('cuda', `${image} has CUDA ${cuda}`);
  return isAtLeast(versionOf(driver), needs)
    ? ok('cuda', `${image} has CUDA ${cuda}, which driver ${driver} runs`)
    : error(
        'cuda',
        `${image} has CUDA ${cuda}, and driver ${driver} is too old for it`,
        `install driver ${needs[0]} or newer, or take an image with an older CUDA`,
      );
}

/** Processes on GPUs that no replica holds. */
function judgeProcesses({ gpus, heldGpus }: MachineFacts): readonly Finding[] {
  return listDevices(gpus.gpus)
    .filter(({ uuid }) => !heldGpus.has(uuid))
    .flatMap(({ label, processes }) =>
      processes
        .filter(({ memoryBytes }) => memoryBytes >= SMALL_BYTES)
        .map(({ pid, name, memoryBytes }) =>
          warning(
            'gpu-memory',
            `process ${pid} (${name}) holds ${formatBytes(memoryBytes)} of GPU ${label}`,
            `up leaves that GPU alone; if nobody needs the process: kill ${pid}`,
          ),
        ),
    );
}

function judgeDisk({ disk }: MachineFacts): readonly Finding[] {
  if (disk === undefined) return [];
  const detail = `${formatBytes(disk.freeBytes)} free in ${disk.path}`;
  const fix = 'docker system df shows what takes the space; docker image prune frees some';
  if (disk.freeBytes < DISK_ERROR) return [error('disk', detail, fix)];
  return [
    disk.freeBytes < DISK_WARNING
      ? warning('disk', `${detail}: images of engines take 12 GB and more`, fix)
      : ok('disk', detail),
  ];
}

function judgeShm({ shmBytes, gpus }: MachineFacts): readonly Finding[] {
  if (shmBytes === undefined || gpus.gpus.length === 0) return [];
  const detail = `${formatBytes(shmBytes)} free in /dev/shm`;
  return [
    shmBytes < SHM_WARNING
      ? warning(
          'shm',
          `${detail}; containers have their own, and share this machine's memory for it`,
          'keep free memory for sharedMemory of the workers',
        )
      : ok('shm', detail),
  ];
}

function judgePort({ port }: MachineFacts): Finding {
  if (port.free) return ok('port', `${port.number} is free for the frontend`);
  const fix = 'dynamo up --port N takes another, --port 0 a free one';
  return warning('port', `${port.number} is taken${port.holder ? ` by ${port.holder}` : ''}`, fix);
}

function judgeToken({ tokenSource }: MachineFacts): Finding {
  return tokenSource === undefined
    ? warning('token', 'no Hugging Face token: gated models cannot be fetched', 'export HF_TOKEN=…, or hf auth login')
    : ok('token', `a Hugging Face token is known (${tokenSource})`);
}

function judgeProjects({ stoppedProjects }: MachineFacts): readonly Finding[] {
  return stoppedProjects.map((project) =>
    warning(
      'projects',
      `nothing of project ${project} runs any more`,
      `dynamo up starts it anew, dynamo down -p ${project} removes it`,
    ),
  );
}
