import { expect, test } from 'vitest';
import { parseImageReference } from '../../../../src/runtime/docker/image-reference.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

test.each([
  ['debian', ['docker.io', 'library/debian', undefined, undefined]],
  ['debian:bookworm-slim', ['docker.io', 'library/debian', 'bookworm-slim', undefined]],
  ['docker.io/debian', ['docker.io', 'library/debian', undefined, undefined]],
  ['index.docker.io/library/debian', ['docker.io', 'library/debian', undefined, undefined]],
  ['org/name:1', ['docker.io', 'org/name', '1', undefined]],
  ['nvcr.io/nvidia/ai-dynamo/vllm-runtime:1.4.2', ['nvcr.io', 'nvidia/ai-dynamo/vllm-runtime', '1.4.2', undefined]],
  ['localhost:5000/a', ['localhost:5000', 'a', undefined, undefined]],
  ['localhost/a:b', ['localhost', 'a', 'b', undefined]],
  [`[::1]:5000/a@${DIGEST}`, ['[::1]:5000', 'a', undefined, DIGEST]],
  [`nvcr.io/a/b:1@${DIGEST}`, ['nvcr.io', 'a/b', '1', DIGEST]],
  ['a__b/c-d.e--f', ['docker.io', 'a__b/c-d.e--f', undefined, undefined]],
])('%s', (text, [registry, repository, tag, digest]) => {
  expect(parseImageReference(text)).toEqual({ registry, repository, tag, digest });
});

test.each([
  '',
  ' ',
  'Upper',
  'a b',
  'a:',
  'a@x',
  'a//b',
  '/a',
  'a/',
  'a:b/c:',
  `a@${DIGEST}@${DIGEST}`,
  '<your-registry>/x:1',
  '$IMAGE',
  'a?b',
  '../a',
])('"%s" is IMAGE_INVALID', (text) => {
  expect(() => parseImageReference(text)).toThrow(expect.objectContaining({ code: 'IMAGE_INVALID', exitCode: 2 }));
});
