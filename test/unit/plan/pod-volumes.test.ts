import { expect, test } from 'vitest';
import { fromJson, type Json, type MapNode } from '../../../src/model/node.ts';
import { readCompanionValues } from '../../../src/plan/companion-values.ts';
import { stableUid } from '../../../src/plan/pod-identity.ts';
import { type PodVolumeContext, readContainerVolumes } from '../../../src/plan/pod-volumes.ts';

const ORIGIN = { kind: 'file', at: { file: 'g.yaml', line: 3, col: 5 } } as const;

function node(json: Json): MapNode {
  const made = fromJson(json, ORIGIN);
  if (made.kind !== 'map') throw new Error('no map');
  return made;
}

const CONTEXT: PodVolumeContext = {
  project: 'p',
  replica: 'a-0',
  companions: readCompanionValues(
    {
      secrets: new Map([['keys', node({ stringData: { user: 'me', password: 'canary' } })]]),
      configMaps: new Map([['config', node({ data: { 'a.yaml': 'one', 'b.yaml': 'two' } })]]),
      claims: new Map(),
    },
    undefined,
  ),
  identity: {
    podName: 'p-a-0',
    namespace: 'default',
    uid: stableUid('p'),
    labels: { b: '2', a: 'say "x"' },
    annotations: {},
    serviceAccount: 'sa',
    containers: new Map(),
    host: { cpus: 4, memoryBytes: 2 ** 30 },
  },
  owner: 1000,
  claimFolders: new Map([['models', '/srv/models']]),
  missingHostPaths: new Set(['/dev/infiniband', '/data', '/dev/net/tun']),
  env: new Map([['NAME', 'mine']]),
};

/** What one volume, mounted so, becomes. */
function read(volume: Json, mount: Readonly<Record<string, Json>> = {}) {
  const pod = node({ volumes: [fromVolume(volume)] });
  const container = node({ volumeMounts: [{ name: 'v', mountPath: '/m', ...mount }] });
  const { mounts, files, diagnostics, ...rest } = readContainerVolumes(pod, container, CONTEXT);
  return {
    ...rest,
    mounts,
    files: files.map(({ path, content, mode, secret, owner }) => [
      path,
      Buffer.from(content).toString('utf8'),
      mode.toString(8),
      secret,
      owner,
    ]),
    codes: diagnostics.map(({ severity, code }) => `${severity} ${code}`),
  };
}

function fromVolume(volume: Json): Json {
  return { name: 'v', ...(volume !== null && typeof volume === 'object' && !Array.isArray(volume) ? volume : {}) };
}

test('a ConfigMap is a directory of its own, whose files the group may read', () => {
  const { mounts, files } = read({ configMap: { name: 'config', defaultMode: 0o400 } });
  expect(mounts).toEqual([{ kind: 'own', path: '/m' }]);
  expect(files).toEqual([
    ['/m/a.yaml', 'one', '440', false, 1000],
    ['/m/b.yaml', 'two', '440', false, 1000],
  ]);
});

test('items choose keys, name files and set modes; a key that is missing is an error unless the volume is optional', () => {
  const items = [{ key: 'password', path: 'deep/pw', mode: 0o600 }];
  expect(read({ secret: { secretName: 'keys', items } }).files).toEqual([['/m/deep/pw', 'canary', '640', true, 1000]]);
  const missing = { secretName: 'keys', items: [{ key: 'none', path: 'x' }] };
  expect(read({ secret: missing }).codes).toEqual(['error SECRET_MISSING']);
  expect(read({ secret: { ...missing, optional: true } }).codes).toEqual([]);
});

test('a subPath of a ConfigMap is one file over whatever the image has around it', () => {
  expect(read({ configMap: { name: 'config' } }, { mountPath: '/etc/engine.yaml', subPath: 'a.yaml' })).toMatchObject({
    mounts: [],
    files: [['/etc/engine.yaml', 'one', '644', false, 1000]],
  });
});

test('a projected volume lays its sources over one another and says which it cannot have', () => {
  const sources = [
    { configMap: { name: 'config', items: [{ key: 'a.yaml', path: 'one' }] } },
    { secret: { name: 'keys', items: [{ key: 'user', path: 'one' }] } },
    { downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
    { serviceAccountToken: { path: 'token' } },
  ];
  const { files, codes } = read({ projected: { defaultMode: 0o444, sources } });
  expect(files).toEqual([
    ['/m/one', 'me', '444', true, 1000],
    ['/m/labels', 'a="say \\"x\\""\nb="2"', '444', false, 1000],
  ]);
  expect(codes).toEqual(['warning VOLUME_UNSUPPORTED']);
});

test('a claim is a named volume of the group, or the directory that stands for it', () => {
  expect(read({ persistentVolumeClaim: { claimName: 'cache', readOnly: true } }).mounts).toEqual([
    { kind: 'volume', volume: 'p_cache', path: '/m', readOnly: true, noCopy: true },
  ]);
  expect(read({ persistentVolumeClaim: { claimName: 'models' } }, { subPathExpr: 'runs/$(NAME)' }).mounts).toEqual([
    { kind: 'bind', source: '/srv/models/runs/mine', path: '/m', readOnly: false, create: true },
  ]);
});

test('an emptyDir goes with its replica; one of memory needs somebody to hold it, and /dev/shm is the container’s own', () => {
  expect(read({ emptyDir: {} })).toMatchObject({ memory: false, volumes: [{ name: 'p_a-0-v', scratch: true }] });
  const memory = { emptyDir: { medium: 'Memory', sizeLimit: '16Mi' } };
  expect(read(memory)).toMatchObject({ memory: true, volumes: [{ memoryBytes: 16 * 2 ** 20 }] });
  expect(read(memory, { mountPath: '/dev/shm' })).toMatchObject({ mounts: [], shmBytes: 16 * 2 ** 20 });
});

test.each([
  ['/etc', undefined, undefined, { create: undefined }],
  ['/data', undefined, 'notice HOST_PATH_CREATED', { create: true }],
  ['/data', 'DirectoryOrCreate', 'notice HOST_PATH_CREATED', { create: true }],
  ['/data', 'Directory', 'error HOST_PATH_MISSING', undefined],
  ['/dev/net/tun', 'CharDevice', 'error HOST_PATH_MISSING', undefined],
  ['/dev/infiniband', undefined, 'notice HOST_DEVICE_MISSING', undefined],
])('a hostPath %s of type %s says %s', (path, type, code, mount) => {
  const { mounts, codes } = read({ hostPath: { path, ...(type ? { type } : {}) } });
  expect(codes).toEqual(code ? [code] : []);
  expect(mounts.map(({ kind, ...rest }) => ({ kind, create: 'create' in rest ? rest.create : undefined }))).toEqual(
    mount ? [{ kind: 'bind', ...mount }] : [],
  );
});

test.each([
  ['a claim', { persistentVolumeClaim: { claimName: 'store' } }, 1],
  ['a folder of the host', { hostPath: { path: '/srv' } }, 1],
  ['an emptyDir', { emptyDir: {} }, 0],
])('a single file below %s is refused where it would last', (_, volume, errors) => {
  const pod = node({ volumes: [fromVolume(volume), { name: 'f', secret: { secretName: 'keys' } }] });
  const mounts = [
    { name: 'v', mountPath: '/store' },
    { name: 'f', mountPath: '/store/k', subPath: 'password' },
    { name: 'f', mountPath: '/etc/k', subPath: 'password' },
  ];
  const { diagnostics } = readContainerVolumes(pod, node({ volumeMounts: mounts }), CONTEXT);
  expect(diagnostics.map(({ code, message }) => [code, message.includes('/store/k')])).toEqual(
    Array.from({ length: errors }, () => ['FILE_IN_VOLUME', true]),
  );
});
