import { expect, test } from 'vitest';
import { cli, spawnCli } from '../support/spawn-cli.ts';
import { chat, docker, eventually, example, frontendUrl, ps, testProject } from '../support/test-project.ts';

const READY = /^ready after/m;

test('while up is attached a killed worker is restarted and serves again; Ctrl-C stops everything in order', async () => {
  await using project = await testProject('attached');
  const up = spawnCli(['up', example('mocker/agg.yaml'), '-p', project.name, '--port', '0', '--progress', 'plain']);
  await up.untilSaid(READY);
  const url = await frontendUrl(project.name);
  expect(await chat(url)).not.toBe('');
  expect((await ps(project.name)).find((row) => row.id === 'decode-0')?.liveness).toBe('watched');

  const before = (await ps(project.name)).find((row) => row.id === 'decode-0');
  await docker.getContainer(`${project.name}-decode-0`).kill();
  await up.untilSaid(/decode-0.*restarting/);
  await eventually(async () => {
    const row = (await ps(project.name)).find((entry) => entry.id === 'decode-0');
    if (row?.stage !== 'ready' || row.startedAt === before?.startedAt) throw new Error(`decode-0 is ${row?.stage}`);
  });
  expect(await eventually(() => chat(url))).not.toBe('');

  up.child.kill('SIGINT');
  expect(await up.ended).toBe(130);
  const rows = await ps(project.name);
  expect(rows.map((row) => row.status)).toEqual(rows.map(() => 'exited'));
  expect((await cli(['logs', '-p', project.name, 'decode'])).stdout).toContain('decode-0 | ');
  expect(up.stderr()).toMatch(/decode-0 +\| /);
});

test('a worker that ends with code 0 is restarted as well: that is how a lost etcd looks', async () => {
  await using project = await testProject('code0');
  const up = spawnCli(['up', example('mocker/agg.yaml'), '-p', project.name, '--port', '0', '--progress', 'plain']);
  await up.untilSaid(READY);
  const container = docker.getContainer(`${project.name}-decode-0`);
  await container.kill({ signal: 'SIGTERM' });
  await up.untilSaid(/decode-0.*restarting.*exit code 0/);
  await eventually(async () => {
    const row = (await ps(project.name)).find((entry) => entry.id === 'decode-0');
    if (row?.stage !== 'ready') throw new Error(`decode-0 is ${row?.stage}`);
  });
  up.child.kill('SIGINT');
  expect(await up.ended).toBe(130);
});

test('a frontend that comes back at another port says where it is', async () => {
  await using project = await testProject('moved');
  const up = spawnCli(['up', example('mocker/agg.yaml'), '-p', project.name, '--port', '0', '--progress', 'plain']);
  await up.untilSaid(READY);
  await docker.getContainer(`${project.name}-frontend-0`).kill();
  await up.untilSaid(/URL_CHANGED.*frontend-0 answers at http:/);
  expect(up.stderr()).toContain(`answers at ${await frontendUrl(project.name)} now`);
  up.child.kill('SIGINT');
  expect(await up.ended).toBe(130);
});

test('a second Ctrl-C kills what does not want to stop', async () => {
  await using project = await testProject('kill');
  const file = await project.write(
    'stubborn.yaml',
    `apiVersion: nvidia.com/v1beta1
kind: DynamoGraphDeployment
metadata: {name: stubborn}
spec:
  components:
    - name: deaf
      replicas: 1
      podTemplate:
        spec:
          terminationGracePeriodSeconds: 300
          containers:
            - name: main
              image: dynamo-cpu:1.4.2
              command: [/bin/sh, -c, "trap '' TERM; while :; do sleep 0.2; done"]
`,
  );
  const up = spawnCli(['up', file, '-p', project.name, '--progress', 'plain']);
  await up.untilSaid(READY);
  up.child.kill('SIGINT');
  await up.untilSaid(/stopping/);
  await new Promise((resolve) => setTimeout(resolve, 500));
  up.child.kill('SIGINT');
  expect(await up.ended).toBe(130);
  expect((await ps(project.name)).find((row) => row.id === 'deaf-0')?.status).toBe('exited');
});

test('two ups of one project at once: the second waits and then finds nothing to do', async () => {
  await using project = await testProject('lock');
  const args = ['up', '-d', example('mocker/agg.yaml'), '-p', project.name, '--port', '0', '--progress', 'plain'];
  const [first, second] = await Promise.all([cli(args), cli(args)]);
  expect([first.exitCode, second.exitCode]).toEqual([0, 0]);
  const said = [first.stderr, second.stderr];
  expect(said.filter((text) => text.includes('nothing to do'))).toHaveLength(1);
  expect(said.filter((text) => /waiting for dynamo up/.test(text))).toHaveLength(1);
});

test.each([150, 700, 1500, 2600])(
  'after SIGKILL of the command line %d ms into an up, up converges and down leaves nothing',
  async (delayMs) => {
    await using project = await testProject('sigkill');
    const args = ['up', example('mocker/agg.yaml'), '-p', project.name, '--port', '0', '--progress', 'plain'];
    const first = spawnCli(args);
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    first.child.kill('SIGKILL');
    expect(await first.ended).toBe('SIGKILL');
    const second = await cli(['up', '-d', ...args.slice(1), '--wait-timeout', '90']);
    expect(second.exitCode).toBe(0);
    expect(await chat(await frontendUrl(project.name))).not.toBe('');
    expect((await cli(['down', '-v', '-p', project.name])).exitCode).toBe(0);
    expect(await project.leftovers()).toEqual([]);
  },
);
