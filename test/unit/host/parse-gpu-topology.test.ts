import { expect, test } from 'vitest';
import { parseGpuTopology } from '../../../src/host/parse-gpu-topology.ts';

const flat = (text: string) =>
  Object.fromEntries([...parseGpuTopology(text)].map(([from, links]) => [from, Object.fromEntries(links)]));

test('an HGX machine: NVLink everywhere, NICs and the legend are no GPUs', () => {
  const text = [
    '\t\u001b[4mGPU0\tGPU1\tGPU2\tNIC0\tCPU Affinity\tNUMA Affinity\tGPU NUMA ID\u001b[0m',
    'GPU0\t X \tNV18\tNV18\tPIX\t0-55\t0\t\tN/A',
    'GPU1\tNV18\t X \tNV18\tNODE\t0-55\t0\t\tN/A',
    'GPU2\tNV18\tNV18\t X \tSYS\t56-111\t1\t\tN/A',
    'NIC0\tPIX\tNODE\tSYS\t X \t\t\t\t',
    '',
    'Legend:',
    '',
    '  X    = Self',
    '  SYS  = Connection traversing PCIe as well as the SMP interconnect between NUMA nodes (e.g., QPI/UPI)',
    '',
    'NIC Legend:',
    '',
    '  NIC0: mlx5_0',
  ].join('\n');
  expect(flat(text)).toEqual({
    0: { 1: 'NV18', 2: 'NV18' },
    1: { 0: 'NV18', 2: 'NV18' },
    2: { 0: 'NV18', 1: 'NV18' },
  });
});

test('a workstation with two pairs on PCIe switches', () => {
  const text = [
    '\tGPU0\tGPU1\tGPU2\tGPU3\tCPU Affinity\tNUMA Affinity',
    'GPU0\t X \tSYS\tPIX\tSYS\t0-15\t0',
    'GPU1\tSYS\t X \tSYS\tPHB\t16-31\t1',
    'GPU2\tPIX\tSYS\t X \tSYS\t0-15\t0',
    'GPU3\tSYS\tPHB\tSYS\t X \t16-31\t1',
  ].join('\n');
  expect(flat(text)).toMatchObject({ 0: { 1: 'SYS', 2: 'PIX', 3: 'SYS' }, 3: { 1: 'PHB' } });
});

test('one GPU has no links; WSL2 and a driver that fails have no matrix', () => {
  expect(flat('\tGPU0\tCPU Affinity\tNUMA Affinity\nGPU0\t X \t0-7\t0')).toEqual({ 0: {} });
  expect(flat('')).toEqual({});
  expect(flat('Failed to initialize NVML: Driver/library version mismatch')).toEqual({});
  expect(flat('Unable to determine the device handle for GPU0000:3B:00.0: GPU is lost.')).toEqual({});
});
