import { expect, test } from 'vitest';
import { cli, spawnCli } from '../support/spawn-cli.ts';
import { chat, docker, eventually, example, frontendUrl, testProject } from '../support/test-project.ts';

const READY = /^ready after/m;

function attach(project: string) {
  return spawnCli(['up', example('mocker/agg.yaml'), '-p', project, '--port', '0', '--progress', 'plain']);
}

test('down in another terminal: the attached up leaves with 0, restarts nothing, and nothing is left', async () => {
  await using project = await testProject('taken');
  const up = attach(project.name);
  await up.untilSaid(READY);
  const down = await cli(['down', '-p', project.name, '--progress', 'plain']);
  expect([down.exitCode, await up.ended]).toEqual([0, 0]);
  expect(up.stderr()).toMatch(/dynamo down \(pid \d+\) takes the project over/);
  expect(up.stderr()).not.toMatch(/restarting/);
  expect(await project.leftovers()).toEqual([]);
});

test.each([700, 1300])(
  'down %d ms into an up that is not ready: the up says who took over, and nothing is left',
  async (ms) => {
    await using project = await testProject('early');
    const up = attach(project.name);
    await new Promise((resolve) => setTimeout(resolve, ms));
    const down = await cli(['down', '-p', project.name, '--progress', 'plain']);
    expect(down.exitCode).toBe(0);
    expect(await up.ended).toBe(130);
    expect(up.stderr()).toContain('takes the project over');
    expect(await project.leftovers()).toEqual([]);
  },
);

test('restart in another terminal is no death to the attached up: it waits, uses up no back-off, and stays', async () => {
  await using project = await testProject('restart');
  const up = attach(project.name);
  await up.untilSaid(READY);
  const url = await frontendUrl(project.name);
  for (const component of ['decode', 'nats']) {
    const restart = await cli(['restart', component, '-p', project.name, '--progress', 'plain']);
    expect(restart.exitCode).toBe(0);
  }
  expect(up.stderr()).toMatch(/decode-0.*stopped by somebody else/);
  expect(up.stderr()).not.toMatch(/restarting \(decode-0|decode-0.*restarting/);
  expect(await eventually(() => chat(url))).not.toBe('');
  up.child.kill('SIGINT');
  expect(await up.ended).toBe(130);
});

test('what somebody else removes ends the attached up with REMOVED', async () => {
  await using project = await testProject('removed');
  const up = attach(project.name);
  await up.untilSaid(READY);
  await docker.getContainer(`${project.name}-decode-0`).remove({ force: true });
  expect(await up.ended).toBe(4);
  expect(up.stderr()).toContain('decode-0 was removed by somebody else');
});
