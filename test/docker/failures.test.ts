import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { cli } from '../support/spawn-cli.ts';
import { docker, example, ps, type TestProject, testProject } from '../support/test-project.ts';

/** A graph of one plain component that runs a shell line. */
function plainGraph(script: string, extra = ''): string {
  return `apiVersion: nvidia.com/v1beta1
kind: DynamoGraphDeployment
metadata: {name: plain}
spec:
  components:
    - name: job
      replicas: 1
      podTemplate:
        spec:
          terminationGracePeriodSeconds: 1
          containers:
            - name: main
              image: dynamo-cpu:1.4.2
              command: [/bin/sh, -c]
              args: [${JSON.stringify(script)}]
${extra}`;
}

async function upPlain(project: TestProject, script: string, extra = '', ...flags: string[]) {
  const file = await project.write('plain.yaml', plainGraph(script, extra));
  return cli(['up', '-d', file, '-p', project.name, '--progress', 'plain', ...flags]);
}

const NO_STACK = /\n\s+at .+:\d+:\d+/;

test('a container that ends before it is ready fails up at once with its last lines, and what was started is stopped', async () => {
  await using project = await testProject('dies');
  const up = await upPlain(
    project,
    'sleep 0.5; echo the reason >&2; exit 42',
    '              readinessProbe: {tcpSocket: {port: 9}}\n',
  );
  expect(up.exitCode).toBe(4);
  expect(up.stderr).toContain('CONTAINER_DIED');
  expect(up.stderr).toContain('job-0 ended with exit code 42');
  expect(up.stderr).toContain('the reason');
  expect(up.stderr).not.toMatch(NO_STACK);
  const rows = await ps(project.name);
  expect(rows.map((row) => row.status)).toEqual(['exited', 'exited', 'exited']);
  expect((await cli(['logs', '-p', project.name, 'job'])).stdout).toContain('the reason');
});

test('--keep-on-failure leaves running what was started', async () => {
  await using project = await testProject('keep');
  const up = await upPlain(
    project,
    'sleep 0.5; exit 1',
    '              readinessProbe: {tcpSocket: {port: 9}}\n',
    '--keep-on-failure',
  );
  expect(up.exitCode).toBe(4);
  expect((await ps(project.name)).filter((row) => row.status === 'running').map((row) => row.id)).toEqual([
    'etcd',
    'nats',
  ]);
});

test('--restarts allows some ends before the first readiness', async () => {
  await using project = await testProject('restarts');
  const script = 'test -e /tmp/second || { touch /tmp/second; exit 1; }; touch /tmp/ready; sleep 100';
  const extra = '              readinessProbe: {exec: {command: [test, -e, /tmp/ready]}}\n';
  const up = await upPlain(project, script, extra, '--restarts', '1', '--wait-timeout', '60');
  expect(up.stderr).toMatch(/job-0.*restarting/);
  expect(up.exitCode).toBe(0);
});

test('what never becomes ready ends with 5 and says what its probe answered', async () => {
  await using project = await testProject('unready');
  const up = await upPlain(
    project,
    'sleep 100',
    '              readinessProbe: {httpGet: {port: 9999, path: /}}\n',
    '--wait-timeout',
    '10',
  );
  expect(up.exitCode).toBe(5);
  expect(up.stderr).toContain('NOT_READY');
  expect(up.stderr).toContain('job-0: connection refused');
  expect((await ps(project.name)).map((row) => row.status)).toEqual(['exited', 'exited', 'exited']);
});

test('a startup probe that fails for good ends with 5', async () => {
  await using project = await testProject('startup');
  const extra = '              startupProbe: {httpGet: {port: 9999, path: /}, periodSeconds: 1, failureThreshold: 2}\n';
  const up = await upPlain(project, 'sleep 100', extra);
  expect(up.exitCode).toBe(5);
  expect(up.stderr).toContain('startup probe failed: connection refused');
});

test('a command that the image does not have ends with 4', async () => {
  await using project = await testProject('nocmd');
  const file = await project.write('nocmd.yaml', plainGraph('').replace('[/bin/sh, -c]', '[/no/such/program]'));
  const up = await cli(['up', '-d', file, '-p', project.name, '--progress', 'plain']);
  expect(up.exitCode).toBe(4);
  expect(up.stderr).toContain('COMMAND_NOT_FOUND');
});

test('an image that no registry has ends with 3 before anything starts', async () => {
  await using project = await testProject('noimage');
  const up = await cli([
    'up',
    '-d',
    example('mocker/agg.yaml'),
    '-p',
    project.name,
    '--port',
    '0',
    '--image',
    '127.0.0.1:1/no/such:1',
    '--progress',
    'plain',
  ]);
  expect(up.exitCode).toBe(3);
  expect(up.stderr).toContain('IMAGE_PULL_FAILED');
  expect((await ps(project.name).catch(() => [])).filter((row) => row.status === 'running')).toEqual([]);
});

test('a port that somebody has ends with 3 before anything starts, and names the project that has it', async () => {
  await using project = await testProject('port');
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const up = await cli([
    'up',
    '-d',
    example('mocker/agg.yaml'),
    '-p',
    project.name,
    '--port',
    String(port),
    '--progress',
    'plain',
  ]);
  server.close();
  expect(up.exitCode).toBe(3);
  expect(up.stderr).toContain(`PORT_TAKEN`);
  expect(await project.leftovers()).toEqual([]);

  await using holder = await testProject('holder');
  expect(
    (await cli(['up', '-d', example('mocker/agg.yaml'), '-p', holder.name, '--port', '0', '--progress', 'quiet']))
      .exitCode,
  ).toBe(0);
  const url = (await ps(holder.name)).find((row) => row.url)?.url ?? '';
  const second = await cli([
    'up',
    '-d',
    example('mocker/agg.yaml'),
    '-p',
    project.name,
    '--port',
    new URL(url).port,
    '--progress',
    'plain',
  ]);
  expect(second.exitCode).toBe(3);
  expect(second.stderr).toContain(holder.name);
});

test('without an engine every verb ends with 3 and says what to do', async () => {
  const env = { DOCKER_HOST: 'unix:///nonexistent/docker.sock' };
  for (const args of [
    ['up', example('mocker/agg.yaml')],
    ['plan', example('mocker/agg.yaml')],
    ['ps'],
    ['ls'],
    ['down'],
  ]) {
    const run = await cli(args, env);
    expect(`${args[0]} ${run.exitCode}`).toBe(`${args[0]} 3`);
    expect(run.stderr).toContain('ENGINE_UNREACHABLE');
    expect(run.stderr).not.toMatch(NO_STACK);
  }
});

test('a container with our name that is not ours is neither used nor removed', async () => {
  await using project = await testProject('name');
  const name = `${project.name}-decode-0`;
  const foreign = await docker.createContainer({ name, Image: 'dynamo-cpu:1.4.2', Entrypoint: ['sleep', '100'] });
  try {
    const up = await cli([
      'up',
      '-d',
      example('mocker/agg.yaml'),
      '-p',
      project.name,
      '--port',
      '0',
      '--progress',
      'plain',
    ]);
    expect(up.exitCode).toBe(3);
    expect(up.stderr).toContain('NAME_TAKEN');
    await cli(['down', '-p', project.name]);
    expect((await foreign.inspect()).Id).toBe(foreign.id);
  } finally {
    await foreign.remove({ force: true });
  }
});

test.each([
  ['a missing file', 'nothing.yaml', undefined, 'FILE_NOT_FOUND'],
  ['an empty file', 'empty.yaml', '\n', 'FILE_EMPTY'],
  ['a binary file', 'binary.yaml', 'a\0b', 'FILE_BINARY'],
  ['broken YAML', 'broken.yaml', 'a: [1,\nb: 2\n', 'YAML_SYNTAX'],
  ['another kind', 'kind.yaml', 'apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n', 'WRONG_KIND'],
  ['an unknown field', 'field.yaml', plainGraph('sleep 1').replace('replicas: 1', 'replicass: 1'), 'UNKNOWN_FIELD'],
  ['a wrong type', 'type.yaml', plainGraph('sleep 1').replace('replicas: 1', 'replicas: many'), 'WRONG_TYPE'],
])('%s is one clear error with exit code 2', async (_, name, text, code) => {
  await using project = await testProject('input');
  const file = text === undefined ? `/nonexistent/${name}` : await project.write(name, text);
  const up = await cli(['up', file, '-p', project.name]);
  expect(up.exitCode).toBe(2);
  expect(up.stderr).toContain(code);
  expect(up.stderr).not.toMatch(NO_STACK);
  if (['YAML_SYNTAX', 'WRONG_KIND', 'UNKNOWN_FIELD', 'WRONG_TYPE'].includes(code))
    expect(up.stderr).toMatch(new RegExp(`${name}:\\d+:\\d+ error ${code}`));
  expect(await project.leftovers()).toEqual([]);
});

test('doctor looks at the real engine; without one it says so and ends with 3', async () => {
  const found = await cli(['doctor', '--format', 'json'], { HF_TOKEN: 'hf_canary4711' });
  expect(found.exitCode).toBe(0);
  expect(found.stdout).not.toContain('canary');
  const of = (name: string) =>
    JSON.parse(found.stdout).find(({ check }: { readonly check: string }) => check === name) ?? {};
  expect(of('docker')).toMatchObject({ outcome: 'ok', detail: expect.stringMatching(/^engine \d+\.\d+/) });
  expect(of('token').detail).toContain('HF_TOKEN');
  expect(of('disk').detail).toMatch(/free in \//);
  const without = await cli(['doctor'], { DOCKER_HOST: 'unix:///nowhere.sock', VIRTUAL_ENV: '/nowhere' });
  expect(without.exitCode).toBe(3);
  expect(without.stdout).toMatch(/✘ docker .*\n +→ /);
});

test('imagePullPolicy Always: what the registry refuses runs from the copy that is here, and that is said', async () => {
  await using project = await testProject('always');
  const text = plainGraph('while :; do sleep 0.2; done').replace(/( +)image: .*/, '$&\n$1imagePullPolicy: Always');
  const file = await project.write('always.yaml', text);
  const up = await cli(['up', '-d', file, '-p', project.name, '--progress', 'plain']);
  expect(up.exitCode).toBe(0);
  expect(up.stderr).toContain('PULL_SKIPPED');
});

test.each([
  [['up'], /missing required argument/],
  [['fly'], /unknown command/],
  [['up', '--nope', 'x'], /unknown option/],
  [['up', 'x.yaml', '--port', 'many'], /whole number/],
  [['up', 'x.yaml', '--port', '99999'], /INVALID_FLAG.*from 0 to 65535/],
  [['up', 'x.yaml', '-p', 'Not_Valid'], /FILE_NOT_FOUND|PROJECT_NAME/],
])('usage errors end with 2: %j', async (args, said) => {
  const run = await cli(args);
  expect(run.exitCode).toBe(2);
  expect(run.stderr).toMatch(said);
  expect(run.stderr).not.toMatch(NO_STACK);
});
