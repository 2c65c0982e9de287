import { expect, test } from 'vitest';
import { fileDirectories } from '../../../../src/runtime/docker/write-files.ts';

test('directories of files, without those that lie in another', () => {
  const paths = ['/etc/a/x', '/etc/a/b/y', '/etc/ab/z', 'relative/w'];
  expect(fileDirectories(paths.map((path) => ({ path })))).toEqual(['/etc/a', '/etc/ab', '/relative']);
});
