import { expect, test } from 'vitest';
import { runtimeFacts } from '../../../src/operator/runtime-facts.ts';
import { chooseCache } from '../../../src/plan/model-cache.ts';

const CACHE = { path: '/home/me/.cache/huggingface', owner: 1000, open: false };

test.each([
  ['its owner', '1.4.2', CACHE, 'bind'],
  ['root', '0.6.1', { ...CACHE, owner: 0 }, 'bind'],
  ['anybody, where everybody may write', '1.4.2', { ...CACHE, owner: 0, open: true }, 'bind'],
  ['nobody else', '1.4.2', { ...CACHE, owner: 0 }, 'volume'],
])('the own cache is used by %s', (_, version, cache, kind) => {
  const { mount, notices } = chooseCache(cache, runtimeFacts(version));
  expect(mount.kind).toBe(kind);
  expect(notices).toHaveLength(kind === 'bind' ? 0 : 1);
});

test('without a cache of one’s own a volume keeps the models', () => {
  expect(chooseCache(undefined, runtimeFacts('1.4.2'))).toEqual({
    mount: { kind: 'volume', claim: 'huggingface-cache' },
    notices: [],
  });
});
