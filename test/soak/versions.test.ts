import { expect, test } from 'vitest';
import { cli } from '../support/spawn-cli.ts';
import { chat, example, frontendUrl, testProject } from '../support/test-project.ts';

const VERSIONS = ['0.6.1', '1.0.2', '1.4.2', '1.6.1'];
const GRAPHS = ['agg', 'agg_router', 'disagg', 'disagg_router'];

test.each(VERSIONS.flatMap((version) => GRAPHS.map((graph) => [version, graph] as const)))(
  'runtime %s serves %s from the same file',
  async (version, graph) => {
    await using project = await testProject('soak');
    const up = await cli([
      'up',
      '-d',
      example(`mocker/${graph}.yaml`),
      '-p',
      project.name,
      '--port',
      '0',
      '--image',
      `dynamo-cpu:${version}`,
      '--wait-timeout',
      '120',
      '--progress',
      'plain',
    ]);
    expect(up.stderr).toContain('routable');
    expect(up.exitCode).toBe(0);
    const url = await frontendUrl(project.name);
    for (let round = 0; round < 5; round += 1) expect(await chat(url)).not.toBe('');
    expect((await cli(['down', '-v', '-p', project.name])).exitCode).toBe(0);
    expect(await project.leftovers()).toEqual([]);
  },
);

test('thirty ups and downs in a row, without one false alarm', async () => {
  for (let round = 0; round < 30; round += 1) {
    await using project = await testProject('rounds');
    const up = await cli([
      'up',
      '-d',
      example('mocker/disagg.yaml'),
      '-p',
      project.name,
      '--port',
      '0',
      '--wait-timeout',
      '120',
      '--progress',
      'plain',
    ]);
    expect(`${round}: ${up.exitCode}`).toBe(`${round}: 0`);
    expect(await chat(await frontendUrl(project.name))).not.toBe('');
    expect((await cli(['down', '-v', '-p', project.name])).exitCode).toBe(0);
    expect(await project.leftovers()).toEqual([]);
  }
});

test.each(Array.from({ length: 20 }, (_, index) => 100 + index * 200))(
  'SIGKILL of the command line after %d ms loses nothing',
  async (delayMs) => {
    const { spawnCli } = await import('../support/spawn-cli.ts');
    await using project = await testProject('kills');
    const args = [example('mocker/agg.yaml'), '-p', project.name, '--port', '0', '--progress', 'plain'];
    const first = spawnCli(['up', ...args]);
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    first.child.kill('SIGKILL');
    await first.ended;
    expect((await cli(['up', '-d', ...args, '--wait-timeout', '120'])).exitCode).toBe(0);
    expect(await chat(await frontendUrl(project.name))).not.toBe('');
    expect((await cli(['down', '-v', '-p', project.name])).exitCode).toBe(0);
    expect(await project.leftovers()).toEqual([]);
  },
);
