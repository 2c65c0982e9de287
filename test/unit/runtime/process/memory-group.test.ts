import { expect, test } from 'vitest';
import { parseMemoryParents } from '../../../../src/runtime/process/memory-group.ts';

test('version 1: below the own group of the memory controller, also where several share one', () => {
  const text = '5:devices:/\n4:cpu,memory:/a/b\n0::/\n';
  expect(parseMemoryParents(text)).toEqual([
    { folder: '/sys/fs/cgroup/memory/a/b', limit: 'memory.limit_in_bytes', kills: 'memory.oom_control' },
  ]);
});

test('version 2: beside the own group; the root has nothing beside it', () => {
  expect(parseMemoryParents('0::/user.slice/user-1000.slice/session-2.scope\n')).toEqual([
    { folder: '/sys/fs/cgroup/user.slice/user-1000.slice', limit: 'memory.max', kills: 'memory.events' },
  ]);
  expect(parseMemoryParents('0::/\n')).toEqual([]);
  expect(parseMemoryParents('')).toEqual([]);
});
