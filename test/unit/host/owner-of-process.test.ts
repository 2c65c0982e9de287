import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { ownerOfProcess } from '../../../src/host/owner-of-process.ts';
import { REPLICA_FOLDER } from '../../../src/model/process-paths.ts';

test.each([
  [{}, 'other'],
  [{ [REPLICA_FOLDER]: '/x' }, 'replica'],
])('a process of this machine with %j is of: %s', async (env, owner) => {
  const child = spawn('/bin/sleep', ['20'], { env, stdio: 'ignore' });
  try {
    // Until it is what it will be, it is a copy of this process.
    await expect.poll(() => ownerOfProcess(child.pid ?? 0)).toBe(owner);
  } finally {
    child.kill();
  }
});

test('a pid that is not here may be a replica of another namespace', async () => {
  expect(await ownerOfProcess(2 ** 22 + 1)).toBe('replica');
});
