import { expect, test } from 'vitest';
import { parseStats } from '../../../../src/runtime/docker/read-stats.ts';

test('cores in use are those between the two samples; cache that can be dropped is no memory in use', () => {
  const sample = {
    read: '2026-11-24T14:00:01Z',
    preread: '2026-11-24T14:00:00Z',
    cpu_stats: { cpu_usage: { total_usage: 3.5e9 } },
    precpu_stats: { cpu_usage: { total_usage: 2e9 } },
    memory_stats: { usage: 1000, stats: { inactive_file: 400 } },
  };
  expect(parseStats('a', sample)).toEqual({ name: 'a', cpus: 1.5, memoryBytes: 600 });
  const first = { ...sample, precpu_stats: { cpu_usage: {} }, memory_stats: {} };
  expect(parseStats('a', first)).toEqual({ name: 'a', cpus: 0, memoryBytes: 0 });
});
