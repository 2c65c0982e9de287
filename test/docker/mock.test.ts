import { expect, test } from 'vitest';
import { cli } from '../support/spawn-cli.ts';
import { example, testProject } from '../support/test-project.ts';

test.each(
  ['vllm', 'sglang', 'trtllm'].flatMap((backend) => [`${backend}/disagg_router.yaml`, `${backend}/disagg_router.sh`]),
)('%s runs as mockers: the real router answers, and prefill workers prefill', async (path) => {
  await using project = await testProject('mock');
  const up = await cli([
    ...['up', '-d', '--mock', example(path), '-p', project.name, '--port', '0', '--smoke'],
    ...['--progress', 'plain', '--no-logs', '--wait-timeout', '120'],
  ]);
  expect(up.stderr).toMatch(
    /notice MOCK: .*dynamo\.mocker; a model without weights stands for Qwen\/Qwen3-0\.6B; left out: .*resources/,
  );
  expect(up.stderr).toContain('smoke models  pass: lists Qwen/Qwen3-0.6B');
  const prefilled = [...(/smoke prefill {2}pass: (.*)/.exec(up.stderr)?.[1]?.matchAll(/\+(\d+)/g) ?? [])];
  expect(prefilled).toHaveLength(2);
  expect(prefilled.reduce((sum, [, count]) => sum + Number(count), 0)).toBeGreaterThan(0);
  expect(up.stderr).not.toContain('fail:');
  expect(up.exitCode).toBe(0);
});

test('sixteen mocked workers come up on one machine, under names of their own', async () => {
  await using project = await testProject('sixteen');
  const up = await cli([
    ...['up', '-d', '--mock', example('vllm/disagg_router.yaml'), '-p', project.name, '--port', '0'],
    ...['--scale', 'prefill=8', '--scale', 'decode=8', '--progress', 'plain', '--no-logs', '--wait-timeout', '170'],
  ]);
  expect(up.exitCode).toBe(0);
  const ps = await cli(['ps', '-p', project.name, '--format', 'json']);
  const stages: readonly { readonly id: string; readonly stage: string }[] = JSON.parse(ps.stdout);
  const workers = stages.filter(({ id }) => /^(prefill|decode)-[0-7]$/.test(id));
  expect(workers).toHaveLength(16);
});

test('render shows the mockers of this machine alone', async () => {
  const refused = await cli(['render', '--mock', example('vllm/agg.yaml')]);
  expect(refused.exitCode).toBe(2);
  expect(refused.stderr).toContain('add --local');
  const local = await cli(['render', '--local', '--mock', example('vllm/agg.yaml')]);
  expect(local.stdout).toContain('- dynamo.mocker\n');
  expect(local.stdout).not.toContain('gpus:');
});
