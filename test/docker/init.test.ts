import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { installFakeNvidiaSmi } from '../support/fake-nvidia-smi.ts';
import { runCli } from '../support/run-cli.ts';
import { cli } from '../support/spawn-cli.ts';
import { testProject } from '../support/test-project.ts';

const BACKENDS = ['vllm', 'sglang', 'trtllm', 'mocker'];
const PATTERNS = ['agg', 'agg_router', 'disagg', 'disagg_router'];

describe('init', () => {
  test.each(BACKENDS.flatMap((backend) => PATTERNS.map((pattern) => [backend, pattern] as const)))(
    '%s %s writes a graph and a script that are planned alike, and writes over nothing',
    async (backend, pattern) => {
      await using gpus = await installFakeNvidiaSmi(4);
      const folder = await mkdtemp(join(tmpdir(), 'dynamo-init-'));
      const env = { PATH: `${gpus.folder}:${process.env.PATH}` };
      const flags = ['init', '--backend', backend, '--pattern', pattern, '-o', folder];
      const made = await runCli(flags);
      expect(made.exitCode).toBe(0);
      const [graph = '', script = '', secret] = made.stdout.trim().split('\n');
      const counts = [];
      for (const file of [graph, script]) {
        const companions = secret === undefined || file === script ? [] : ['-f', secret];
        const { exitCode, stdout, stderr } = await runCli(['plan', file, ...companions, '-p', 'init'], { env });
        expect([exitCode, stderr.includes(' error ')]).toEqual([0, false]);
        counts.push([...stdout.matchAll(/create container/g)].length);
      }
      expect(counts[0]).toBe(counts[1]);
      expect((await runCli(flags)).stderr).toContain('FILE_EXISTS');
      await rm(folder, { recursive: true });
    },
  );

  test('what it writes for the mocker runs', async () => {
    await using project = await testProject('init');
    const folder = await mkdtemp(join(tmpdir(), 'dynamo-init-'));
    await runCli(['init', '--backend', 'mocker', '-o', folder]);
    const up = await cli([
      'up',
      '-d',
      join(folder, 'agg.yaml'),
      '-p',
      project.name,
      '--port',
      '0',
      '--wait-timeout',
      '120',
    ]);
    await rm(folder, { recursive: true });
    expect(up.exitCode).toBe(0);
  });
});
