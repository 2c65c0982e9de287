import { describe, expect, test } from 'vitest';
import {
  describeSmiFailure,
  parseGpuProcesses,
  parseGpus,
  parseMigSlices,
} from '../../../src/host/parse-nvidia-smi.ts';

const GIB = 1024 ** 3;

describe('parseGpus', () => {
  test('reads the GPUs of a machine with two H100s', () => {
    const output = [
      '0, GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77, 81559, 81090, 535.183.01, Default, [N/A], [N/A], NVIDIA H100 80GB HBM3',
      '1, GPU-1f0bd0b1-8a4f-63a4-9a8e-6f2a0a6b51c2, 81559, 512, 535.183.01, Default, [N/A], [N/A], NVIDIA H100 80GB HBM3',
      '',
    ].join('\n');
    expect(parseGpus(output)).toEqual({
      driverVersion: '535.183.01',
      complaints: [],
      gpus: [
        {
          index: 0,
          uuid: 'GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77',
          name: 'NVIDIA H100 80GB HBM3',
          memoryTotalBytes: 81559 * 1024 ** 2,
          memoryFreeBytes: 81090 * 1024 ** 2,
        },
        {
          index: 1,
          uuid: 'GPU-1f0bd0b1-8a4f-63a4-9a8e-6f2a0a6b51c2',
          name: 'NVIDIA H100 80GB HBM3',
          memoryTotalBytes: 81559 * 1024 ** 2,
          memoryFreeBytes: 512 * 1024 ** 2,
        },
      ],
    });
  });

  test.each(['[N/A]', '[Not Supported]', 'N/A'])('takes memory that the driver gives as %s for unknown', (cell) => {
    const { gpus } = parseGpus(`0, GPU-aa, ${cell}, ${cell}, 580.95.05, Default, [N/A], [N/A], NVIDIA GB10`);
    expect(gpus).toMatchObject([{ uuid: 'GPU-aa', memoryTotalBytes: 0, memoryFreeBytes: 0 }]);
  });

  test('keeps commas that a name holds', () => {
    expect(parseGpus('0, GPU-aa, 1024, 1024, 550.1, Default, [N/A], [N/A], Some GPU, rev 2').gpus[0]).toMatchObject({
      name: 'Some GPU, rev 2',
      memoryTotalBytes: GIB,
    });
  });

  test('leaves a lost GPU out and says which', () => {
    const output = [
      '0, GPU-aa, 81559, 81000, 535.1, Default, [N/A], [N/A], NVIDIA A100',
      '1, GPU-bb, [GPU is lost], [GPU is lost], 535.1, [GPU is lost], [GPU is lost], [GPU is lost], [GPU is lost]',
    ].join('\n');
    expect(parseGpus(output)).toMatchObject({ gpus: [{ uuid: 'GPU-aa' }], complaints: ['GPU 1: [GPU is lost]'] });
  });

  test('takes a line that is no row for a complaint', () => {
    const line =
      'Unable to determine the device handle for GPU0000:3B:00.0: GPU is lost.  Reboot the system to recover this GPU';
    expect(parseGpus(line)).toEqual({ gpus: [], driverVersion: undefined, complaints: [line] });
    expect(parseGpus('No devices were found\n').complaints).toEqual(['No devices were found']);
  });

  test('sorts by index', () => {
    const output = [
      '7, GPU-h, 1, 1, 1.0, Default, [N/A], [N/A], X',
      '0, GPU-a, 1, 1, 1.0, Default, [N/A], [N/A], X',
    ].join('\n');
    expect(parseGpus(output).gpus.map((gpu) => gpu.index)).toEqual([0, 7]);
  });

  test('reads the modes of the driver', () => {
    const row = (modes: string) => parseGpus(`0, GPU-aa, 1024, 1024, 550.1, ${modes}, X`).gpus[0];
    expect(row('Default, Enabled, Disabled')).toMatchObject({ persistent: true });
    expect(row('Default, Enabled, Disabled')).not.toHaveProperty('computeMode');
    expect(row('Exclusive_Process, Disabled, Enabled')).toMatchObject({
      computeMode: 'exclusive',
      persistent: false,
      slices: [],
    });
    expect(row('Prohibited, [N/A], [N/A]')).toMatchObject({ computeMode: 'prohibited' });
  });
});

describe('parseMigSlices', () => {
  test('reads slices below their GPU, in both forms of their UUIDs', () => {
    const output = [
      'GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-aa)',
      '  MIG 3g.40gb     Device  0: (UUID: MIG-0b1c)',
      '  MIG 1g.10gb+me  Device  1: (UUID: MIG-GPU-aa/9/0)',
      'GPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-bb)',
    ].join('\n');
    expect([...parseMigSlices(output)]).toEqual([
      [
        'GPU-aa',
        [
          { index: 0, uuid: 'MIG-0b1c', profile: '3g.40gb', memoryBytes: 40 * GIB, processes: [] },
          { index: 1, uuid: 'MIG-GPU-aa/9/0', profile: '1g.10gb+me', memoryBytes: 10 * GIB, processes: [] },
        ],
      ],
      ['GPU-bb', []],
    ]);
  });
});

describe('parseGpuProcesses', () => {
  test('groups processes by GPU, whatever their names hold', () => {
    const output = [
      'GPU-aa, 4711, 20480, python3',
      'GPU-aa, 4712, [N/A], /opt/a, b/worker',
      'GPU-bb, 99, 10, VLLM::EngineCore',
      'No running processes found',
    ].join('\n');
    expect([...parseGpuProcesses(output)]).toEqual([
      [
        'GPU-aa',
        [
          { pid: 4711, name: 'python3', memoryBytes: 20 * GIB },
          { pid: 4712, name: '/opt/a, b/worker', memoryBytes: 0 },
        ],
      ],
      ['GPU-bb', [{ pid: 99, name: 'VLLM::EngineCore', memoryBytes: 10 * 1024 ** 2 }]],
    ]);
  });
});

describe('describeSmiFailure', () => {
  test.each([
    [
      "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.",
      /not installed or not loaded/,
    ],
    ['Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 535.183', /reboot/],
    ['No devices were found', /finds no GPU/],
    ['Failed to initialize NVML: Insufficient Permissions', /permissions/],
    ['Unable to determine the device handle for GPU 0000:01:00.0: Unknown Error', /lost/],
    ['', /it said nothing/],
    ['Field "x" is not a valid field to query.', /Field "x"/],
  ])('%j', (said, expected) => {
    expect(describeSmiFailure(said)).toMatch(expected);
  });
});
