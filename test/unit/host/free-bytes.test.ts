import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freeBytes } from '../../../src/host/free-bytes.ts';

test('a directory that does not exist yet has the room of its nearest parent', async () => {
  const there = await freeBytes(tmpdir());
  const later = await freeBytes(join(tmpdir(), 'not', 'yet', 'there'));
  expect(there).toBeGreaterThan(0);
  expect(Math.abs((later ?? 0) - (there ?? 0))).toBeLessThan(1024 ** 3);
});
