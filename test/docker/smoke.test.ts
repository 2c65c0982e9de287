import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { cli, spawnCli } from '../support/spawn-cli.ts';
import { docker, example, frontendUrl, ps, testProject } from '../support/test-project.ts';

const NO_DOCKER = { DOCKER_HOST: 'unix:///nowhere.sock' };

test('up --smoke asks a disaggregated graph everything; what does not serve any more fails with 6', async () => {
  await using project = await testProject('smoke');
  const up = await cli([
    ...['up', '-d', example('mocker/disagg_router.yaml'), '-p', project.name, '--port', '0', '--smoke'],
    ...['--progress', 'plain', '--no-logs', '--wait-timeout', '120'],
  ]);
  expect(up.stderr).toMatch(/smoke prefill {2}pass: prefill-0 \+\d+/);
  expect(up.stderr).toMatch(/smoke workers {2}pass: decode-0 \+\d+, decode-1 \+\d+/);
  expect(up.stderr).not.toContain('fail:');
  expect(up.exitCode).toBe(0);

  // Where the time went is on record, and told without Docker.
  const timeline = await cli(['timeline', '-p', project.name, '--format', 'json'], NO_DOCKER);
  const { spans, criticalPath, totalMs } = JSON.parse(timeline.stdout);
  const stages = (lane: string) =>
    spans.filter((span: { lane: string }) => span.lane === lane).map((span: { stage: string }) => span.stage);
  for (const lane of ['prefill-0', 'decode-0', 'decode-1'])
    expect(stages(lane)).toEqual(
      expect.arrayContaining(['create', 'start', 'load', 'registered', 'listed', 'routable']),
    );
  expect(criticalPath.at(-1).endMs).toBeLessThanOrEqual(totalMs);
  expect((await cli(['timeline', '-p', project.name], NO_DOCKER)).stdout).toMatch(/^decode-1 +c+ *s+/m);

  // Any URL, without Docker.
  const url = await frontendUrl(project.name);
  const junit = await cli(['smoke', '--url', url, '--format', 'junit'], NO_DOCKER);
  expect(junit.exitCode).toBe(0);
  expect(junit.stdout).toContain('tests="13" failures="0"');
  const decode = (await ps(project.name)).filter(({ id }) => id.startsWith('decode'));
  for (const row of decode) expect(row).toMatchObject({ registered: 1, instances: 1, served: expect.any(Number) });
  expect(decode.reduce((sum, { served }) => sum + (served ?? 0), 0)).toBeGreaterThan(8);

  // All workers gone: the frontend alone is there.
  const workers = ['prefill-0', 'decode-0', 'decode-1'].map((id) => docker.getContainer(`${project.name}-${id}`));
  await Promise.all(workers.map((worker) => worker.update({ RestartPolicy: { Name: 'no' } })));
  await Promise.all(workers.map((worker) => worker.stop({ t: 10 })));
  const broken = await cli(['smoke', '-p', project.name, '--format', 'json', '--only', 'health,models,chat']);
  expect(broken.exitCode).toBe(6);
  const outcomes = JSON.parse(broken.stdout).checks.map((result: { check: string; outcome: string }) => result.outcome);
  // 200 on /health with no worker at all proves nothing (facts/versions.md §4).
  expect(outcomes).toEqual(['pass', 'fail', 'fail']);
});

test('an attached up --smoke stays up after a pass: the KV router prefers the warm worker', async () => {
  await using project = await testProject('warm');
  const up = spawnCli([
    ...['up', example('mocker/agg_router.yaml'), '-p', project.name, '--port', '0', '--smoke'],
    ...['--progress', 'plain', '--no-logs'],
  ]);
  await up.untilSaid(/smoke metrics {2}pass/);
  expect(up.stderr()).toMatch(/smoke kv-warm {2}pass: first .*\+8/);
  expect((await cli(['smoke', '-p', project.name, '--only', 'chat'])).exitCode).toBe(0);
  up.child.kill('SIGINT');
  expect(await up.ended).toBe(130);
});

test('a graph that comes up and fails a check ends with 6 and is stopped: its workers cache nothing', async () => {
  await using project = await testProject('cold');
  const text = await readFile(example('mocker/agg_router.yaml'), 'utf8');
  const cold = text.replace('--model-name, local/tiny', '$&, --no-enable-prefix-caching');
  const file = await project.write('cold.yaml', cold);
  const up = await cli([
    ...['up', '-d', file, '-p', project.name, '--port', '0', '--smoke', '--progress', 'plain', '--no-logs'],
  ]);
  expect(up.exitCode).toBe(6);
  expect(up.stderr).toContain('smoke kv-warm  fail: the warm worker is not preferred');
  expect(up.stderr).toMatch(/SMOKE_FAILED/);
  expect((await ps(project.name)).map(({ status }) => status)).not.toContain('running');
});

test('a project that is not there is said by verbs that show, and refused by those that need it', async () => {
  for (const verb of ['ps', 'logs', 'stats']) {
    const run = await cli([verb, '-p', 'nobody']);
    expect([run.exitCode, run.stderr]).toEqual([0, expect.stringContaining('notice PROJECT_UNKNOWN: project nobody')]);
  }
  for (const args of [
    ['exec', '-p', 'nobody', 'a', '--', 'true'],
    ['smoke', '-p', 'nobody'],
    ['restart', '-p', 'nobody'],
  ]) {
    const run = await cli(args);
    expect([run.exitCode, run.stderr]).toEqual([3, expect.stringContaining('error PROJECT_UNKNOWN: project nobody')]);
  }
});
