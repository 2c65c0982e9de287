import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli } from '../support/run-cli.ts';
import { docker } from '../support/test-project.ts';
import { LOGIN, type RealRegistry, startRealRegistry } from './support/real-registry.ts';

const CANARY = 'wr0ng-canary';
let folder = '';
let one: RealRegistry;
let two: RealRegistry;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dynamo-pull-'));
  await writeFile(join(folder, 'config.json'), '{}');
  [one, two] = await Promise.all([startRealRegistry(docker, 't-pull-1'), startRealRegistry(docker, 't-pull-2')]);
});
afterAll(async () => {
  await Promise.all([one[Symbol.asyncDispose](), two[Symbol.asyncDispose]()]);
  await rm(folder, { recursive: true, force: true });
});

function dockerConfig(logins: Readonly<Record<string, string>>): string {
  const auths = Object.entries(logins).map(([host, password]) => {
    const auth = Buffer.from(`${LOGIN.username}:${password}`).toString('base64');
    return [host, { auth }];
  });
  return JSON.stringify({ auths: Object.fromEntries(auths) });
}

function secret(name: string, logins: Readonly<Record<string, string>>): string {
  return `apiVersion: v1
kind: Secret
metadata: {name: ${name}}
type: kubernetes.io/dockerconfigjson
data: {.dockerconfigjson: ${Buffer.from(dockerConfig(logins)).toString('base64')}}
---
`;
}

interface GraphOptions {
  readonly images: readonly string[];
  readonly optOut?: boolean;
  readonly pullSecrets?: readonly string[];
}

function graph({ images, optOut = false, pullSecrets = [] }: GraphOptions): string {
  const components = images.map(
    (image, index) => `
    - name: c${index}
      podTemplate:
        metadata: {annotations: {nvidia.com/disable-image-pull-secret-discovery: "${optOut}"}}
        spec:
          imagePullSecrets: [${pullSecrets.map((name) => `{name: ${name}}`).join(', ')}]
          containers: [{name: main, image: "${image}", command: [/file]}]`,
  );
  return `apiVersion: nvidia.com/v1beta1
kind: DynamoGraphDeployment
metadata: {name: pulls}
spec:
  components:${components.join('')}
`;
}

/** Runs `dynamo pull` on a text, removes what was pulled, and gives back whether each image came. */
async function pull(text: string, more: readonly string[] = [], config = '{}') {
  const file = join(folder, 'graph.yaml');
  await writeFile(file, text);
  await writeFile(join(folder, 'config.json'), config);
  const env = { DOCKER_CONFIG: folder };
  const { exitCode, stderr } = await runCli(['pull', file, '--progress', 'json', ...more], { env });
  const removed = await Promise.all(
    [one.image, two.image].map((image) =>
      docker
        .getImage(image)
        .remove({ force: true })
        .then(
          () => true,
          () => false,
        ),
    ),
  );
  return { exitCode, stderr, pulled: removed };
}

test('each image is pulled with the secret of its registry, in parallel, telling its layers', async () => {
  const secrets =
    secret('for-one', { [one.host]: LOGIN.password }) +
    secret('for-two', { [`https://${two.host}/v2/`]: LOGIN.password });
  const { exitCode, stderr, pulled } = await pull(secrets + graph({ images: [one.image, two.image] }));
  expect([exitCode, pulled]).toEqual([0, [true, true]]);
  const events: { type: string; image?: string; layers?: { id: string; status: string }[] }[] = stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
  for (const image of [one.image, two.image]) {
    const last = events.findLast((event) => event.type === 'pull-progress' && event.image === image);
    expect(last?.layers).toMatchObject([{ status: 'Pull complete' }]);
  }
});

test('without a secret, and with a wrong one, the refusal says what was tried and never its value', async () => {
  const none = await pull(graph({ images: [one.image] }));
  expect([none.exitCode, none.pulled]).toEqual([3, [false, false]]);
  expect(none.stderr).toMatch(/IMAGE_PULL_FAILED[\s\S]*no credentials/);
  const wrong = await pull(secret('stale', { [one.host]: CANARY }) + graph({ images: [one.image] }));
  expect([wrong.exitCode, wrong.pulled]).toEqual([3, [false, false]]);
  expect(wrong.stderr).toContain(`asked with Secret stale (${one.host});`);
  for (const value of [CANARY, Buffer.from(`user:${CANARY}`).toString('base64')])
    expect(wrong.stderr).not.toContain(value);
});

test('the user’s own docker login comes last, and a secret of another registry is not tried', async () => {
  const own = dockerConfig({ [one.host]: LOGIN.password });
  const saved = await pull(secret('stale', { [one.host]: CANARY }) + graph({ images: [one.image] }), [], own);
  expect([saved.exitCode, saved.pulled]).toEqual([0, [true, false]]);
  const other = await pull(
    secret('for-two', { [two.host]: LOGIN.password }) + graph({ images: [one.image] }),
    [],
    dockerConfig({ [one.host]: CANARY }),
  );
  expect(other.exitCode).toBe(3);
  expect(other.stderr).toContain(`asked with the docker login of ${one.host};`);
});

test('the annotation turns discovery off: the list of the component counts alone', async () => {
  const right = secret('right', { [one.host]: LOGIN.password });
  const refused = await pull(right + graph({ images: [one.image], optOut: true }));
  expect([refused.exitCode, refused.pulled]).toEqual([3, [false, false]]);
  const listed = await pull(right + graph({ images: [one.image], optOut: true, pullSecrets: ['right'] }));
  expect([listed.exitCode, listed.pulled]).toEqual([0, [true, false]]);
});

test('a pull secret comes from the command line too, and serves what --image chose', async () => {
  const config = join(folder, 'login.json');
  await writeFile(config, dockerConfig({ [one.host]: LOGIN.password }));
  const text = graph({ images: ['registry.invalid/team/app:1'], pullSecrets: ['nobody-has-it'] });
  const { exitCode, stderr, pulled } = await pull(text, ['--image', one.image, '--secret', `mine=${config}`]);
  expect([exitCode, pulled]).toEqual([0, [true, false]]);
  expect(stderr).toContain('PULL_SECRET_MISSING');
});
