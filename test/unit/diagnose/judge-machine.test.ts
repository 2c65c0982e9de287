import { expect, test } from 'vitest';
import { judgeMachine, type MachineFacts } from '../../../src/diagnose/judge-machine.ts';
import type { Gpu } from '../../../src/model/host-inventory.ts';

const GIB = 2 ** 30;
const GPU = {
  index: 0,
  uuid: 'GPU-a',
  name: 'NVIDIA H100 80GB HBM3',
  memoryTotalBytes: 80 * GIB,
  memoryFreeBytes: 79 * GIB,
  processes: [],
};
const ENGINE = {
  serverVersion: '28.0.1',
  apiVersion: '1.48',
  rootDirectory: '/var/lib/docker',
  cpus: 16,
  memoryBytes: 256 * GIB,
  rootless: false,
  raisesLimits: true,
  filtersGpus: true,
  reach: 'direct',
} as const;
const GOOD: MachineFacts = {
  nodeVersion: 'v20.20.2',
  engine: ENGINE,
  python: { path: '/venv/bin/python', dynamoVersion: '1.4.2', servers: [] },
  gpus: { gpus: [GPU], driverVersion: '570.86.15', problem: undefined },
  toolkit: ['nvidia-ctk'],
  wsl: false,
  imageCuda: new Map([['vllm-runtime:1.0.2', '12.9.1']]),
  heldGpus: new Set(),
  ownEngine: true,
  disk: { path: '/var/lib/docker', freeBytes: 500 * GIB },
  shmBytes: 100 * GIB,
  port: { number: 8000, free: true, holder: undefined },
  tokenSource: 'HF_TOKEN',
  stoppedProjects: [],
};

test('a machine that lacks nothing has no word of a fix', () => {
  const findings = judgeMachine(GOOD);
  expect(findings.map(({ outcome, fix }) => [outcome, fix])).toEqual(findings.map(() => ['ok', undefined]));
  expect(findings.map(({ check }) => check)).toEqual([
    'node',
    'docker',
    'python',
    'gpus',
    'toolkit',
    'cuda',
    'disk',
    'shm',
    'port',
    'token',
  ]);
});

const noGpu = {
  gpus: [],
  driverVersion: undefined,
  problem: 'nvidia-smi is not installed: no NVIDIA driver on this machine',
};
const mode = (change: Partial<Gpu>) => ({ ...GOOD.gpus, gpus: [{ ...GPU, ...change }] });
const busy = (memoryBytes: number) => ({
  ...GOOD.gpus,
  gpus: [{ ...GPU, processes: [{ pid: 4711, name: 'python3', memoryBytes }] }],
});

test.each<[string, Partial<MachineFacts>, readonly [check: string, outcome: string, said: RegExp][]]>([
  ['an old Node', { nodeVersion: 'v18.19.0' }, [['node', 'error', /install Node 20\.19/]]],
  [
    'no engine',
    {
      engine: { problem: 'no Docker Engine answers', hint: undefined },
      python: { problem: '/usr/bin/python3 has no Dynamo', hint: 'pip install ai-dynamo' },
      imageCuda: new Map(),
    },
    [
      ['docker', 'error', /systemctl start docker/],
      ['python', 'warning', /pip install ai-dynamo/],
    ],
  ],
  [
    'no engine, and a Python with Dynamo',
    { engine: { problem: 'no Docker Engine answers', hint: undefined }, imageCuda: new Map() },
    [['docker', 'warning', /--runtime process/]],
  ],
  [
    'a rootless engine',
    { engine: { ...ENGINE, rootless: true, raisesLimits: false } },
    [['docker', 'warning', /rootful/]],
  ],
  ['limits that stay', { engine: { ...ENGINE, raisesLimits: false } }, [['limits', 'warning', /CAP_SYS_RESOURCE/]]],
  ['WSL2', { wsl: true }, [['wsl', 'warning', /CUDA_VISIBLE_DEVICES/]]],
  ['no GPU', { gpus: noGpu }, [['gpus', 'warning', /no NVIDIA driver.*--mock/s]]],
  ['a lost GPU', { gpus: { ...GOOD.gpus, problem: 'GPU 1 is lost' } }, [['gpus', 'error', /GPU 1 is lost/]]],
  [
    'a GPU in MIG mode without slices',
    { gpus: mode({ slices: [] }) },
    [['mig', 'warning', /GPU 0: .*nobody can use it.*nvidia-smi mig -cgi/s]],
  ],
  ['a prohibited GPU', { gpus: mode({ computeMode: 'prohibited' }) }, [['compute-mode', 'warning', /-c DEFAULT/]]],
  ['an exclusive GPU', { gpus: mode({ computeMode: 'exclusive' }) }, [['compute-mode', 'warning', /--share-gpus/]]],
  ['no persistence', { gpus: mode({ persistent: false }) }, [['persistence', 'warning', /nvidia-smi -pm 1/]]],
  ['no driver', { gpus: noGpu }, [['gpus', 'warning', /install its driver/]]],
  [
    'another version of the driver',
    { gpus: { ...noGpu, problem: 'Failed to initialize NVML: Driver/library version mismatch' } },
    [['gpus', 'warning', /mismatch.*reboot/s]],
  ],
  [
    'a driver that is not loaded',
    { gpus: { ...noGpu, problem: "couldn't communicate with the NVIDIA driver" } },
    [['gpus', 'warning', /modprobe nvidia/]],
  ],
  ['no toolkit on this PATH', { toolkit: [], ownEngine: false }, [['toolkit', 'warning', /may have its own/]]],
  ['no toolkit', { toolkit: [] }, [['toolkit', 'error', /nvidia-container-toolkit/]]],
  [
    'a driver older than the CUDA of an image',
    {
      imageCuda: new Map([
        ['a:1', '13.0.1'],
        ['b:1', '12.4.0'],
      ]),
    },
    [['cuda', 'error', /a:1 has CUDA 13\.0\.1.*install driver 580/s]],
  ],
  [
    'a process on a free GPU',
    { gpus: busy(40 * GIB) },
    [['gpu-memory', 'warning', /process 4711 \(python3\) holds 40 ?Gi?B.*kill 4711/s]],
  ],
  ['little disk', { disk: { path: '/d', freeBytes: 10 * GIB } }, [['disk', 'warning', /docker system df/]]],
  ['a full disk', { disk: { path: '/d', freeBytes: GIB } }, [['disk', 'error', /docker system df/]]],
  ['little shared memory', { shmBytes: GIB }, [['shm', 'warning', /sharedMemory/]]],
  [
    'a taken port',
    { port: { number: 8000, free: false, holder: 'project a (a-frontend-0)' } },
    [['port', 'warning', /project a .*--port/s]],
  ],
  ['no token', { tokenSource: undefined }, [['token', 'warning', /HF_TOKEN/]]],
  ['a stopped project', { stoppedProjects: ['old'] }, [['projects', 'warning', /dynamo down -p old/]]],
])('%s is said with its fix', (_, change, expected) => {
  const bad = judgeMachine({ ...GOOD, ...change }).filter(({ outcome }) => outcome !== 'ok');
  expect(bad.map(({ check, outcome }) => [check, outcome])).toEqual(
    expected.map(([check, outcome]) => [check, outcome]),
  );
  for (const [index, [, , said]] of expected.entries())
    expect(`${bad[index]?.detail} → ${bad[index]?.fix}`).toMatch(said);
});

test('a desktop’s few megabytes, and what runs on a GPU that a replica holds, are nobody’s business', () => {
  const quiet = (change: Partial<MachineFacts>) =>
    judgeMachine({ ...GOOD, ...change }).filter(({ check }) => check === 'gpu-memory');
  expect(quiet({ gpus: busy(100 * 2 ** 20) })).toEqual([]);
  expect(quiet({ gpus: busy(40 * GIB), heldGpus: new Set(['GPU-a']) })).toEqual([]);
});
