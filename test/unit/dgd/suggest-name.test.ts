import { expect, test } from 'vitest';
import { suggestName } from '../../../src/dgd/suggest-name.ts';

test.each([
  ['replica', 'replicas'],
  ['repilcas', 'replicas'],
  ['Replicas', 'replicas'],
  ['volumemounts', 'volumeMounts'],
  ['env', 'envs'],
  ['zzz', undefined],
  ['', undefined],
  ['x'.repeat(100), undefined],
])('%s means %s', (written, meant) => {
  expect(suggestName(written, ['replicas', 'volumeMounts', 'envs'])).toBe(meant);
});

test('of two that are as near, the first is meant', () => {
  expect(suggestName('cat', ['bat', 'rat'])).toBe('bat');
});
