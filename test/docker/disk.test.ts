import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { cli } from '../support/spawn-cli.ts';
import { example, testProject } from '../support/test-project.ts';
import { canStartEngine, startGpuEngine } from './support/gpu-engine.ts';

test.skipIf(!canStartEngine())('an engine whose disk is full is told before anything is pulled', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dynamo-disk-'));
  const before = process.env.TMPDIR;
  await execa('mount', ['-t', 'tmpfs', '-o', 'size=96m', 'tmpfs', folder]);
  // The engine of this test keeps its data below TMPDIR.
  process.env.TMPDIR = folder;
  try {
    await using engine = await startGpuEngine();
    await using project = await testProject('disk');
    const up = await cli(
      ['up', '-d', example('mocker/agg.yaml'), '-p', project.name, '--port', '0', '--progress', 'plain'],
      engine.env,
    );
    expect(up.exitCode).toBe(3);
    expect(up.stderr).toContain('DISK_FULL');
    expect(up.stderr).toMatch(/has \d+(\.\d)? MiB\s+free/);
    expect(await engine.docker.listContainers({ all: true })).toEqual([]);
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    await execa('umount', [folder], { reject: false });
    await rm(folder, { recursive: true, force: true });
  }
});
