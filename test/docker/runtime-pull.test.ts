import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { PullProgress } from '../../src/model/runtime.ts';
import { startTestProject, type TestProject } from './support/test-project.ts';
import { startTestRegistry } from './support/test-registry.ts';

class TestFolder implements AsyncDisposable {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

async function makeFolder(config: unknown): Promise<TestFolder> {
  const path = await mkdtemp(join(tmpdir(), 'docker-config-'));
  await writeFile(join(path, 'config.json'), JSON.stringify(config));
  return new TestFolder(path);
}

async function pull(project: TestProject, image: string): Promise<PullProgress[]> {
  const progress: PullProgress[] = [];
  try {
    await project.runtime.pullImage(image, { onProgress: (step) => progress.push(step) }, project.signal);
    const { images } = await project.runtime.observe(project.name, [image], project.signal);
    expect([...images.keys()]).toEqual([image]);
  } finally {
    await project.docker
      .getImage(image)
      .remove({ force: true })
      .catch(() => undefined);
  }
  return progress;
}

const REFUSED = { code: 'IMAGE_PULL_FAILED', exitCode: 3 };

test('an image is pulled, and its bytes are counted as they come', async () => {
  await using project = await startTestProject();
  await using registry = await startTestRegistry(project.name);
  const progress = await pull(project, registry.image);
  const last = progress.at(-1);
  expect(last?.totalBytes).toBeGreaterThan(3_000_000);
  expect(last?.doneBytes).toBe(last?.totalBytes);
});

test('troubles on the way are tried again', async () => {
  await using project = await startTestProject();
  await using registry = await startTestRegistry(project.name, { failures: 7 });
  await pull(project, registry.image);
});

test('the login of the docker CLI is used, and without one the refusal says what was tried', async () => {
  await using project = await startTestProject();
  await using registry = await startTestRegistry(project.name, { login: 'user:s3cret' });
  await using none = await makeFolder({});
  await using right = await makeFolder({
    auths: { [registry.host]: { auth: Buffer.from('user:s3cret').toString('base64') } },
  });
  await using wrong = await makeFolder({
    auths: { [`https://${registry.host}/v2/`]: { auth: Buffer.from('user:wr0ng').toString('base64') } },
  });
  const withConfig = (folder: TestFolder) => startTestProject({ env: { ...process.env, DOCKER_CONFIG: folder.path } });
  await using anonymous = await withConfig(none);
  await expect(pull(anonymous, registry.image)).rejects.toMatchObject({
    ...REFUSED,
    hint: expect.stringContaining('no credentials'),
  });
  await using mistaken = await withConfig(wrong);
  const error: unknown = await pull(mistaken, registry.image).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ ...REFUSED, hint: expect.stringContaining(`docker login of ${registry.host}`) });
  expect(JSON.stringify(error)).not.toContain('wr0ng');
  await using user = await withConfig(right);
  await pull(user, registry.image);
});

test('a credential helper is asked for the registry', async () => {
  await using project = await startTestProject();
  await using registry = await startTestRegistry(project.name, { login: 'user:s3cret' });
  await using folder = await makeFolder({ credHelpers: { [registry.host]: 'test' } });
  const helper = join(folder.path, 'docker-credential-test');
  await writeFile(
    helper,
    `#!/bin/sh\nread server\n[ "$1 $server" = "get ${registry.host}" ] && echo '{"Username":"user","Secret":"s3cret"}'\n`,
  );
  await chmod(helper, 0o755);
  const env = { ...process.env, DOCKER_CONFIG: folder.path, PATH: `${folder.path}:${process.env.PATH}` };
  await using user = await startTestProject({ env });
  await pull(user, registry.image);
});

test('an image that the registry lacks, and a registry that is not there, are refused', async () => {
  await using project = await startTestProject();
  await using registry = await startTestRegistry(project.name);
  await expect(pull(project, `${registry.host}/test/image:2`)).rejects.toMatchObject(REFUSED);
  expect(registry.requests.filter((line) => line.includes('manifests/2')).length).toBeLessThan(3);
  await expect(pull(project, '127.0.0.1:9/test/image:1')).rejects.toMatchObject(REFUSED);
  await expect(pull(project, 'Not An Image')).rejects.toMatchObject({ code: 'IMAGE_INVALID', exitCode: 2 });
});

test('a pull that is aborted ends at once with the reason', async () => {
  await using project = await startTestProject();
  await using registry = await startTestRegistry(project.name, { failures: 1000 });
  const controller = new AbortController();
  const pulling = project.runtime.pullImage(registry.image, { onProgress: () => undefined }, controller.signal);
  setTimeout(() => controller.abort(new Error('enough')), 300);
  const started = Date.now();
  await expect(pulling).rejects.toThrow('enough');
  expect(Date.now() - started).toBeLessThan(2000);
});

test('a registry that cannot be reached is no matter of logins', async () => {
  await using project = await startTestProject();
  // Nobody listens on the port of discarded bytes.
  await expect(pull(project, '127.0.0.1:9/nobody/x:1')).rejects.toMatchObject({
    ...REFUSED,
    hint: expect.stringContaining('does not reach the registry'),
  });
});
