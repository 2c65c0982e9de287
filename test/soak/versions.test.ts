import { expect, test } from 'vitest';
import { cli } from '../support/spawn-cli.ts';
import { chat, example, frontendUrl, testProject } from '../support/test-project.ts';

const VERSIONS = ['0.6.1', '1.0.2', '1.4.2', '1.6.1'];
const GRAPHS = ['agg', 'agg_router', 'disagg', 'disagg_router'];

/** Brings it up with its smoke suite and takes it down again; what it said. */
async function smokeRound(graph: string, version: string): Promise<string> {
  await using project = await testProject('soak');
  const up = await cli([
    ...['up', '-d', example(`mocker/${graph}.yaml`), '-p', project.name, '--port', '0', '--smoke'],
    ...['--image', `dynamo-cpu:${version}`, '--wait-timeout', '120', '--progress', 'plain', '--no-logs'],
  ]);
  expect(`${up.exitCode} ${up.stderr}`).toMatch(/^0 /);
  expect((await cli(['down', '-v', '-p', project.name])).exitCode).toBe(0);
  expect(await project.leftovers()).toEqual([]);
  return up.stderr;
}

test.each(VERSIONS.flatMap((version) => GRAPHS.map((graph) => [version, graph] as const)))(
  'runtime %s serves %s from the same file and passes the smoke suite',
  async (version, graph) => {
    const said = await smokeRound(graph, version);
    expect(said).toMatch(/smoke chat {2}pass/);
    expect(said).toMatch(/smoke workers {2}pass/);
    if (graph.startsWith('disagg')) expect(said).toMatch(/smoke prefill {2}pass/);
  },
);

test('a hundred ups with the smoke suite and downs in a row, without one false alarm', async () => {
  for (let round = 0; round < 100; round += 1) await smokeRound('disagg_router', '1.4.2');
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
