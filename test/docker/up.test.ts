import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { cli } from '../support/spawn-cli.ts';
import { chat, docker, example, frontendUrl, ps, testProject } from '../support/test-project.ts';
import { startServers } from './support/shared-servers.ts';

test('a disaggregated graph comes up, answers, is looked at, changed and taken down', async () => {
  await using project = await testProject('up');
  const base = ['-p', project.name, '--progress', 'plain'];
  const up = await cli([
    'up',
    '-d',
    example('mocker/disagg_router.yaml'),
    ...base,
    '--port',
    '0',
    '--wait-timeout',
    '120',
  ]);
  expect(up.stderr).toContain('routable');
  expect(up.exitCode).toBe(0);
  expect(up.stdout).toBe('');

  const rows = await ps(project.name);
  expect(rows.map((row) => `${row.id} ${row.stage}`)).toEqual([
    'etcd running',
    'nats running',
    'decode-0 ready',
    'decode-1 ready',
    'frontend-0 ready',
    'prefill-0 ready',
  ]);
  expect(rows.find((row) => row.id === 'decode-0')).toMatchObject({ runtimeVersion: '1.4.2', liveness: 'not watched' });
  expect(await chat(await frontendUrl(project.name))).not.toBe('');

  const again = await cli(['up', '-d', example('mocker/disagg_router.yaml'), ...base, '--port', '0']);
  expect(again.stderr).toContain('nothing to do');

  const before = await ps(project.name);
  const scaled = await cli([
    'up',
    '-d',
    example('mocker/disagg_router.yaml'),
    ...base,
    '--port',
    '0',
    '--scale',
    'decode=1',
  ]);
  expect(scaled.exitCode).toBe(0);
  const after = await ps(project.name);
  expect(after.map((row) => row.id)).not.toContain('decode-1');
  const startOf = (all: typeof after, id: string) => all.find((row) => row.id === id)?.startedAt;
  for (const id of ['frontend-0', 'decode-0', 'prefill-0', 'etcd'])
    expect(startOf(after, id)).toBe(startOf(before, id));

  const changed = await project.write(
    'changed.yaml',
    (await readFile(example('mocker/disagg_router.yaml'), 'utf8')).replace(
      '[--model-path, local/tiny, --model-name, local/tiny, --disaggregation-mode, prefill]',
      '[--model-path, local/tiny, --model-name, local/tiny, --max-num-seqs, "8", --disaggregation-mode, prefill]',
    ),
  );
  const plan = await cli(['plan', changed, '-p', project.name, '--port', '0', '--scale', 'decode=1', '-d']);
  expect(plan.stdout).toContain(`remove container ${project.name}-prefill-0  (configuration changed`);
  expect(plan.stdout).not.toContain(`remove container ${project.name}-decode-0`);
  expect((await cli(['up', '-d', changed, ...base, '--port', '0', '--scale', 'decode=1'])).exitCode).toBe(0);
  const recreated = await ps(project.name);
  expect(startOf(recreated, 'prefill-0')).not.toBe(startOf(after, 'prefill-0'));
  expect(startOf(recreated, 'decode-0')).toBe(startOf(after, 'decode-0'));

  const logs = await cli(['logs', '-p', project.name, 'prefill']);
  expect(logs.stdout).toContain('prefill-0 | ');
  expect(logs.stdout).not.toContain('decode-0 | ');
  const tail = await cli(['logs', '-p', project.name, '-n', '3', 'decode']);
  expect(tail.stdout.trim().split('\n')).toHaveLength(3);

  const exec = await cli(['exec', '-p', project.name, 'decode', '--', 'sh', '-c', 'echo "$DYN_NAMESPACE"; exit 7']);
  expect(exec.exitCode).toBe(7);
  expect(exec.stdout).toBe('default-mocker-disagg-router\n');

  const restarted = await cli(['restart', '-p', project.name, 'decode', '--progress', 'plain']);
  expect(restarted.exitCode).toBe(0);
  expect(startOf(await ps(project.name), 'decode-0')).not.toBe(startOf(recreated, 'decode-0'));

  const listed = await cli(['ls', '--format', 'json']);
  expect(JSON.parse(listed.stdout)).toContainEqual(
    expect.objectContaining({ project: project.name, graph: 'mocker-disagg-router', status: 'running(5)' }),
  );

  const down = await cli(['down', '-p', project.name]);
  expect(down.exitCode).toBe(0);
  expect(await project.leftovers()).toEqual([]);
});

test('the container is what the cluster would run: environment, shared memory, grace period, names', async () => {
  await using project = await testProject('spec');
  const up = await cli([
    'up',
    '-d',
    example('mocker/agg.yaml'),
    '-p',
    project.name,
    '--port',
    '0',
    '--progress',
    'quiet',
  ]);
  expect(up.exitCode).toBe(0);
  const info = await docker.getContainer(`${project.name}-decode-0`).inspect();
  expect(info.Config.Entrypoint).toEqual(['python3', '-m', 'dynamo.mocker']);
  expect(info.Config.Env).toEqual(
    expect.arrayContaining([
      'DYN_NAMESPACE=default-mocker-agg',
      'DYN_DISCOVERY_BACKEND=etcd',
      'ETCD_ENDPOINTS=http://etcd:2379',
      'DYN_SYSTEM_PORT=9090',
      'DYN_SYSTEM_USE_ENDPOINT_HEALTH_STATUS=["generate"]',
      'DYN_COMPONENT=worker',
      `POD_NAME=${project.name}-decode-0`,
    ]),
  );
  expect(info.Config.Env.filter((entry) => entry.startsWith('NATS_SERVER='))).toEqual([]);
  expect(info.HostConfig.ShmSize).toBe(8 * 2 ** 30);
  expect(info.Config).toMatchObject({ StopTimeout: 60 });
  const network = Object.values(info.NetworkSettings.Networks)[0];
  // Its Service has the hash of the workers in its name, which nobody can write down.
  expect(network?.Aliases?.some((alias: string) => alias.includes('HASH'))).toBe(false);
  const frontend = await docker.getContainer(`${project.name}-frontend-0`).inspect();
  expect(Object.values(frontend.NetworkSettings.Networks)[0]?.Aliases).toEqual(
    expect.arrayContaining(['mocker-agg-frontend', 'mocker-agg-frontend.default.svc.cluster.local']),
  );
});

test('containers that cannot be reached by address are probed through published ports', async () => {
  await using project = await testProject('reach');
  const env = { DYNAMO_REACH: 'published' };
  const up = await cli(
    [
      'up',
      '-d',
      example('mocker/agg.yaml'),
      '-p',
      project.name,
      '--port',
      '0',
      '--wait-timeout',
      '90',
      '--progress',
      'plain',
    ],
    env,
  );
  expect(up.stderr).toContain('decode-0  routable');
  expect(up.exitCode).toBe(0);
  const again = await cli(
    ['up', '-d', example('mocker/agg.yaml'), '-p', project.name, '--port', '0', '--progress', 'plain'],
    env,
  );
  expect(again.stderr).toContain('nothing to do');
  expect((await ps(project.name, env)).find((row) => row.id === 'decode-0')?.stage).toBe('ready');
});

test('two graphs on one etcd and NATS do not see each other, though one name begins the other', async () => {
  await using alone = await testProject('a');
  const longName = `${alone.name}-b`;
  await using servers = await startServers({ jetStream: true });
  const { endpoints } = servers;
  const up = (project: string, ...more: string[]) =>
    cli([
      'up',
      '-d',
      example('mocker/agg.yaml'),
      '-p',
      project,
      '--port',
      '0',
      '--progress',
      'plain',
      '--infra-endpoints',
      endpoints,
      '--wait-timeout',
      '90',
      ...more,
    ]);
  try {
    const serving = await up(longName);
    expect(serving.stderr).toContain('routable');
    expect(serving.exitCode).toBe(0);
    expect((await up(alone.name, '--scale', 'decode=0')).exitCode).toBe(0);
    expect((await ps(longName)).map((row) => row.id)).toEqual(['decode-0', 'frontend-0']);
    const models = await (await fetch(`${await frontendUrl(alone.name)}/v1/models`)).json();
    expect(models).toMatchObject({ data: [] });
    expect(await chat(await frontendUrl(longName))).not.toBe('');
  } finally {
    await cli(['down', '-v', '-p', longName]);
  }
});
