import { createHash } from 'node:crypto';
import { join } from 'node:path';

const SOCKET = 'keeper.sock';
/** `sun_path` of Linux (unix(7)), with the NUL at its end. */
const ADDRESS_BYTES = 108;

/** The socket of a project's keeper, as a path below its folder. */
export function socketPath(folder: string): string {
  return join(folder, SOCKET);
}

/** True where the path is too long for a socket: it is opened relative to its folder then. */
export function isTooLong(path: string): boolean {
  return Buffer.byteLength(path) >= ADDRESS_BYTES;
}

/**
 * An abstract socket that one keeper of a folder holds at a time: nobody connects to it, and the kernel drops it with its holder. Filled
 * to its last byte, as Node versions disagree on the padding.
 */
export function lockName(folder: string): string {
  const hash = createHash('sha256').update(folder).digest('hex');
  return `\0dynamo-keeper-${hash}`.padEnd(ADDRESS_BYTES, '-');
}
