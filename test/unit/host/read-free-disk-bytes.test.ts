import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readFreeDiskBytes } from '../../../src/host/read-free-disk-bytes.ts';

test('a directory that does not exist yet has the room of its nearest parent', async () => {
  const there = await readFreeDiskBytes(tmpdir());
  const later = await readFreeDiskBytes(join(tmpdir(), 'not', 'yet', 'there'));
  expect(there).toBeGreaterThan(0);
  expect(Math.abs((later ?? 0) - (there ?? 0))).toBeLessThan(1024 ** 3);
});
