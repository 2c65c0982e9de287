import { Etcd3 } from 'etcd3';
import { expect, test } from 'vitest';
import { cli, spawnCli } from '../support/spawn-cli.ts';
import { chat, docker, eventually, example, frontendUrl, ps, testProject } from '../support/test-project.ts';

function events(stderr: string, type: string): readonly Record<string, unknown>[] {
  return stderr
    .split('\n')
    .filter((line) => line.startsWith('{"time"'))
    .map((line) => JSON.parse(line))
    .filter((event) => event.type === type);
}

test('every replica climbs the whole ladder, and what a killed worker left in etcd is wiped before it starts anew', async () => {
  await using project = await testProject('ladder');
  const args = ['up', '-d', example('mocker/disagg.yaml'), '-p', project.name, '--port', '0', '--progress', 'json'];
  const up = await cli(args);
  expect(up.exitCode, up.stderr).toBe(0);
  const stages = (id: string) =>
    events(up.stderr, 'replica-stage').flatMap((event) => (event.replica === id ? [event.stage] : []));
  for (const id of ['decode-0', 'prefill-0'])
    expect(stages(id)).toEqual(['created', 'starting', 'started', 'ready', 'registered', 'listed', 'routable']);
  expect(stages('frontend-0')).toEqual(['created', 'starting', 'started', 'ready', 'listed', 'routable']);
  expect(events(up.stderr, 'registrations').at(-1)).toMatchObject({ registered: 1, expected: 1, missing: [] });

  // A lease that outlives its process by far: a real one may have ended before the next up.
  const etcd = await docker.getContainer(`${project.name}-etcd`).inspect();
  const client = new Etcd3({ hosts: `${Object.values(etcd.NetworkSettings.Networks)[0]?.IPAddress}:2379` });
  try {
    const lease = client.lease(600);
    const id = BigInt(await lease.grant()).toString(16);
    const key = `v1/instances/default-mocker-disagg/backend/generate/${id}`;
    await lease.put(key).value(JSON.stringify({ transport: { tcp: `192.0.2.1:1/${id}/generate` } }));
    await docker.getContainer(`${project.name}-decode-0`).remove({ force: true });
    const again = await cli(args);
    expect(again.exitCode, again.stderr).toBe(0);
    const notices = events(again.stderr, 'notice').map((event) => event.code);
    expect(notices).toContain('STALE_REGISTRATIONS');
    expect(await client.get(key).string()).toBeNull();
  } finally {
    client.close();
  }
  expect(await chat(await frontendUrl(project.name))).not.toBe('');
});

test('once the graph is up an etcd that is killed is restarted, as often as it takes, and the graph goes on serving', async () => {
  await using project = await testProject('etcd');
  const up = spawnCli(['up', example('mocker/agg.yaml'), '-p', project.name, '--port', '0', '--progress', 'plain']);
  await up.untilSaid(/^ready after/m);
  const etcd = docker.getContainer(`${project.name}-etcd`);
  await etcd.kill();
  await up.untilSaid(/etcd {2}restarting now/);
  // Again, before it has answered.
  await eventually(() => etcd.kill());
  await up.untilSaid(/etcd {2}restarting in 10\.0 s/);
  await up.untilSaid(/etcd {2}ready[\s\S]*etcd {2}ready/);
  expect(await eventually(async () => chat(await frontendUrl(project.name)))).not.toBe('');
  expect((await ps(project.name)).find((row) => row.id === 'etcd')?.status).toBe('running');
  up.child.kill('SIGINT');
  expect(await up.ended).toBe(130);
});
