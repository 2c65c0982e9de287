import { createHash } from 'node:crypto';
import type { DesiredContainer } from '../model/desired-state.ts';

function canonical(value: unknown): unknown {
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('base64') };
  if (Array.isArray(value)) return value.map(canonical);
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, entry]) => entry !== undefined)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, entry]) => [key, canonical(entry)]),
    );
  }
  return value;
}

/**
 * 12 hex digits over what makes the container what it is. Where a value came from does not count, nor do labels that only repeat
 * other fields, nor the order in which keys were made. Secret values count through the digest alone.
 */
export function hashContainer(container: Omit<DesiredContainer, 'hash' | 'labels'>): string {
  const { env, ...rest } = container;
  const spec = { ...rest, env: env.map((entry) => [entry.name, entry.value]) };
  return createHash('sha256')
    .update(JSON.stringify(canonical(spec)))
    .digest('hex')
    .slice(0, 12);
}
