import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readGpuInventory } from '../../../src/host/read-gpu-inventory.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dynamo-smi-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** An `nvidia-smi` of our own, alone on PATH but for the shell's tools. */
async function withProgram(script: string): Promise<{ readonly PATH: string }> {
  const program = join(folder, 'nvidia-smi');
  await writeFile(program, `#!/bin/sh\n${script}\n`);
  await chmod(program, 0o755);
  return { PATH: `${folder}:/usr/bin:/bin` };
}

const { signal } = new AbortController();

test('joins GPUs with the processes on them', async () => {
  const env = await withProgram(`case "$1" in
    --query-gpu=*) echo '0, GPU-aa, 81559, 61079, 550.54.15, Default, [N/A], [N/A], NVIDIA H100 80GB HBM3' ;;
    --query-compute-apps=*) echo 'GPU-aa, 4711, 20480, python3' ;;
  esac`);
  expect(await readGpuInventory(env, signal)).toEqual({
    driverVersion: '550.54.15',
    problem: undefined,
    gpus: [
      {
        index: 0,
        uuid: 'GPU-aa',
        name: 'NVIDIA H100 80GB HBM3',
        memoryTotalBytes: 81559 * 1024 ** 2,
        memoryFreeBytes: 61079 * 1024 ** 2,
        processes: [{ pid: 4711, name: 'python3', memoryBytes: 20480 * 1024 ** 2 }],
      },
    ],
  });
});

test('says that there is no driver when the program is missing', async () => {
  const inventory = await readGpuInventory({ PATH: join(folder, 'nothing') }, signal);
  expect(inventory).toMatchObject({ gpus: [], problem: expect.stringMatching(/not installed/) });
});

test('says what a failing program says', async () => {
  const env = await withProgram(
    `echo "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."; exit 9`,
  );
  expect(await readGpuInventory(env, signal)).toMatchObject({
    gpus: [],
    problem: expect.stringMatching(/not loaded/),
  });
});

test('keeps the GPUs that are left beside a lost one', async () => {
  const env = await withProgram(`case "$1" in
    --query-gpu=*) echo '0, GPU-aa, 100, 100, 550.54.15, Default, [N/A], [N/A], NVIDIA L4'
      echo 'Unable to determine the device handle for GPU0000:3B:00.0: GPU is lost.  Reboot the system to recover this GPU'; exit 15 ;;
  esac`);
  const inventory = await readGpuInventory(env, signal);
  expect(inventory.gpus.map((gpu) => gpu.uuid)).toEqual(['GPU-aa']);
  expect(inventory.problem).toMatch(/lost/);
});

test('gives up on a program that hangs', async () => {
  const env = await withProgram('exec sleep 30');
  const inventory = await readGpuInventory(env, signal, 100);
  expect(inventory.problem).toMatch(/does not answer/);
});

test('ends when it is told to', async () => {
  const env = await withProgram('exec sleep 30');
  const stop = new AbortController();
  const reading = readGpuInventory(env, stop.signal);
  setTimeout(() => stop.abort(new Error('enough')), 50);
  await expect(reading).rejects.toThrow('enough');
});
