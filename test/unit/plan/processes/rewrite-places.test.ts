import { expect, test } from 'vitest';
import { replaceHosts, replacePaths, replacePathsInWords } from '../../../../src/plan/processes/rewrite-places.ts';

const PATHS = new Map([
  ['/models', '/data/models'],
  ['/models/tiny', '/data/tiny'],
  ['/etc/engine', '/state/files/etc/engine'],
]);

test.each([
  ['/models/llama', '/data/models/llama'],
  ['/models/tiny/x', '/data/tiny/x'],
  ['--config=/etc/engine/a.yaml', '--config=/state/files/etc/engine/a.yaml'],
  ['cat "/models"; ls /models:/etc/engine', 'cat "/data/models"; ls /data/models:/state/files/etc/engine'],
  ['/models-old', '/models-old'],
  ['/my/models', '/my/models'],
  ['s3://models', 's3://models'],
])('paths of mounts are replaced where they stand as paths: %s', (text, expected) => {
  expect(replacePaths(text, PATHS)).toBe(expected);
});

test('a model is served under the name that it has in the file', () => {
  expect(replacePathsInWords(['--model-path', '/models/x', '--model-name', '/models/x'], PATHS)).toEqual([
    '--model-path',
    '/data/models/x',
    '--model-name',
    '/models/x',
  ]);
});

const PLACES = new Map([
  ['etcd', new Map([[2379, 23_790]])],
  ['g-frontend.default.svc', new Map([[8000, 21_000]])],
  ['decode', new Map([[9090, 22_000]])],
]);

test.each([
  ['http://etcd:2379,http://etcd:2379', 'http://127.0.0.1:23790,http://127.0.0.1:23790'],
  ['etcd:2379', '127.0.0.1:23790'],
  ['http://g-frontend.default.svc:8000/v1', 'http://127.0.0.1:21000/v1'],
  ['http://decode/health', 'http://127.0.0.1/health'],
  ['decode', 'decode'],
  ['--disaggregation-mode decode', '--disaggregation-mode decode'],
  ['http://other.etcd:2379', 'http://other.etcd:2379'],
  ['http://etcd.example.com:2379', 'http://etcd.example.com:2379'],
  ['etcd:9999', '127.0.0.1:9999'],
])('names of the graph’s network become addresses of this machine: %s', (text, expected) => {
  expect(replaceHosts(text, PLACES)).toBe(expected);
});
