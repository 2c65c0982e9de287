import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** `sun_path` of Linux: 108 bytes (unix(7)). */
const ADDRESS_BYTES = 108;

/**
 * The socket address that stands for a lock's name. On Linux it is abstract: it is no file, and the kernel drops it with its holder.
 * It fills `sun_path` to the last byte because Node versions disagree on whether a shorter one is padded with NULs, and two of them
 * must meet at one address. Elsewhere it is a file, and a holder that was killed leaves it behind.
 */
export function lockAddress(name: string, platform: NodeJS.Platform): string {
  const hash = createHash('sha256').update(name).digest('hex');
  if (platform === 'linux') return `\0dynamo-lock-${hash}`.padEnd(ADDRESS_BYTES, '-');
  return join(tmpdir(), `dynamo-lock-${hash.slice(0, 16)}.sock`);
}
