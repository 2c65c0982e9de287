import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { DesiredVolume } from '../../src/model/desired-state.ts';
import { unfinishedName } from '../../src/runtime/docker/unfinished-name.ts';
import { TEST_IMAGE } from './support/make-container.ts';
import { startTestProject } from './support/test-project.ts';

const FILES = [
  { path: '/etc/new/sub/a.conf', content: 'alpha\n', mode: 0o644, secret: false, owner: undefined },
  { path: '/etc/new/b', content: new Uint8Array([0, 255]), mode: 0o400, secret: true, owner: 1000 },
];
const SHOW = 'cat /etc/new/sub/a.conf; stat -c "%u:%g %a %s" /etc/new/sub/a.conf /etc/new/b; stat -c %a /etc/new/sub';

function volume(name: string, fields: Partial<DesiredVolume> = {}): DesiredVolume {
  return {
    name,
    claim: 'claim',
    scratch: false,
    memoryBytes: undefined,
    owner: undefined,
    image: TEST_IMAGE,
    ...fields,
  };
}

test('files are in the container before it starts, with owner and mode, their parents are made', async () => {
  await using project = await startTestProject();
  const lines = await project.read(project.container('files', SHOW, { files: FILES, user: '1000' }));
  expect(lines).toEqual(['alpha', '0:0 644 6', '1000:1000 400 2', '755']);
});

test('files reach a container whose root is read-only', async () => {
  await using project = await startTestProject();
  const { docker, runtime, signal } = project;
  const sealed = project.container('sealed', `${SHOW}; touch /x || echo sealed`, { files: FILES, readOnlyRoot: true });
  expect(await project.read(sealed)).toEqual(['alpha', '0:0 644 6', '1000:1000 400 2', '755', 'sealed']);
  const { Mounts } = await docker.getContainer(sealed.name).inspect();
  await runtime.removeContainer(sealed.name, signal);
  for (const { Name } of Mounts) await expect(docker.getVolume(Name ?? '').inspect()).rejects.toThrow(/no such volume/);
});

test('a container bears its name only once its files are in it', async () => {
  await using project = await startTestProject();
  const { runtime, signal, docker, name } = project;
  const wanted = project.container('files', SHOW, { files: FILES });
  // What a run that was killed leaves.
  const body = { Image: TEST_IMAGE, Labels: { ...wanted.labels } };
  await docker.createContainer({ name: unfinishedName(wanted.name), ...body });
  const before = (await runtime.observe(name, [], signal)).containers;
  expect(before.map((entry) => entry.name)).toEqual([unfinishedName(wanted.name)]);
  await runtime.createContainer(wanted, signal);
  await runtime.createContainer(wanted, signal);
  const after = (await runtime.observe(name, [], signal)).containers;
  expect(after.map((entry) => entry.name)).toEqual([wanted.name]);
  // A file in the place of a directory cannot be written.
  const broken = project.container('broken', 'true', {
    files: FILES.map((file) => ({ ...file, path: '/etc/passwd/x' })),
  });
  await expect(runtime.createContainer(broken, signal)).rejects.toMatchObject({ code: 'START_FAILED', exitCode: 4 });
  const last = (await runtime.observe(name, [], signal)).containers;
  expect(last.map((entry) => entry.name)).toEqual([wanted.name]);
});

test('a fresh volume belongs to its owner, a scratch volume to everybody, a memory volume is a tmpfs', async () => {
  await using project = await startTestProject();
  const { runtime, signal, name } = project;
  const volumes = [
    volume(`${name}_plain`),
    volume(`${name}_owned`, { owner: 1000 }),
    volume(`${name}_scratch`, { scratch: true }),
    volume(`${name}_memory`, { scratch: true, memoryBytes: 2 ** 20 }),
  ];
  await Promise.all(volumes.map((entry) => runtime.createVolume(name, entry, signal)));
  const reader = project.container(
    'reader',
    'stat -c "%u:%g %a" /m/*; stat -f -c %T /m/memory; df -k --output=size /m/memory | tail -1; touch /m/owned/x /m/scratch/x /m/memory/x && echo ok',
    {
      user: '1000',
      mounts: ['plain', 'owned', 'scratch', 'memory'].map((claim) => ({
        kind: 'volume' as const,
        volume: `${name}_${claim}`,
        path: `/m/${claim}`,
        readOnly: false,
        noCopy: true,
      })),
    },
  );
  const lines = (await project.read(reader)).map((line) => line.trim());
  expect(lines).toEqual(['0:0 777', '1000:1000 2775', '0:0 755', '0:0 777', 'tmpfs', '1024', 'ok']);
  const observed = await runtime.observe(name, [], signal);
  expect(observed.containers.map((entry) => entry.name)).toEqual([reader.name]);
  expect(observed.volumes).toEqual([
    { name: `${name}_memory`, scratch: true },
    { name: `${name}_owned`, scratch: false },
    { name: `${name}_plain`, scratch: false },
    { name: `${name}_scratch`, scratch: true },
  ]);
  await runtime.removeContainer(reader.name, signal);
  for (const entry of volumes) await runtime.removeVolume(entry.name, signal);
  for (const entry of volumes) await runtime.removeVolume(entry.name, signal);
  expect((await runtime.observe(name, [], signal)).volumes).toEqual([]);
});

test('an owned volume keeps what is in it when it is asked for again', async () => {
  await using project = await startTestProject();
  const { runtime, signal, name } = project;
  const owned = volume(`${name}_owned`, { owner: 1000 });
  const mounts = [{ kind: 'volume' as const, volume: owned.name, path: '/m', readOnly: false, noCopy: true }];
  await runtime.createVolume(name, owned, signal);
  await project.read(project.container('writer', 'echo kept > /m/file', { user: '1000', mounts }));
  await runtime.createVolume(name, owned, signal);
  expect(await project.read(project.container('reader', 'cat /m/file', { mounts }))).toEqual(['kept']);
});

test('a subPath is made where it is missing, and mounted by every engine', async () => {
  await using project = await startTestProject();
  const { runtime, signal, name } = project;
  await runtime.createVolume(name, volume(`${name}_v`), signal);
  const mount = { kind: 'volume' as const, volume: `${name}_v`, path: '/m', readOnly: false, noCopy: true };
  const writer = project.container('writer', 'echo inner > /m/file', {
    user: '1000',
    mounts: [{ ...mount, subPath: 'a/b', owner: 1000 }],
  });
  await project.read(writer);
  expect(
    await project.read(project.container('reader', 'cat /m/a/b/file; stat -c %u:%a /m/a/b', { mounts: [mount] })),
  ).toEqual(['inner', '1000:2775']);
});

test('a directory of the container alone hides what the image has there', async () => {
  await using project = await startTestProject();
  const mounts = [{ kind: 'own' as const, path: '/etc/apt' }];
  const files = [{ path: '/etc/apt/mine', content: 'x', mode: 0o440, secret: false, owner: 1000 }];
  const made = project.container('own', 'ls /etc/apt; stat -c %u:%a /etc/apt/mine', { mounts, files });
  expect(await project.read(made)).toEqual(['mine', '1000:440']);
});

test('a host directory is mounted, a missing one is HOST_PATH_MISSING', async () => {
  await using project = await startTestProject();
  const bind = (source: string) => [{ kind: 'bind' as const, source, path: '/m', readOnly: true }];
  expect(
    await project.read(project.container('bound', 'cat /m/hostname | wc -l', { mounts: bind('/etc') })),
  ).toHaveLength(1);
  const missing = project.container('missing', 'true', { mounts: bind('/no/such/directory') });
  await expect(project.runtime.createContainer(missing, project.signal)).rejects.toMatchObject({
    code: 'HOST_PATH_MISSING',
    exitCode: 3,
  });
  const created = bind(join(await mkdtemp(join(tmpdir(), 'dynamo-bind-')), 'new')).map((mount) => ({
    ...mount,
    create: true,
  }));
  expect(await project.read(project.container('created', 'ls -A /m | wc -l', { mounts: created }))).toEqual(['0']);
});
