import { UserError } from '../model/diagnostic.ts';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `90`, `90s`, `2m`, `1h30m` in milliseconds; a bare number counts seconds, as in docker compose. */
export function parseDuration(text: string, flag: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== text) {
    throw new UserError('INVALID_FLAG', `${flag}: "${text}" is no duration`, { hint: 'write 90, 90s, 2m or 1h30m' });
  }
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (UNIT_MS[unit ?? ''] ?? 0), 0);
}

/** `--since`: an RFC 3339 time or a duration before `now`; milliseconds since the epoch. */
export function parseSince(text: string, now: number): number {
  if (/^\d{4}-\d{2}-\d{2}/.test(text)) {
    const at = Date.parse(text);
    if (!Number.isNaN(at)) return at;
  }
  if (!/^[\d.]+(?:ms|[smh])?/.test(text))
    throw new UserError('INVALID_FLAG', `--since: "${text}" is neither a time nor a duration`, {
      hint: 'write 2026-01-31T12:00:00Z, 90s, 2m or 1h30m',
    });
  return now - parseDuration(text, '--since');
}

/** A whole number of at least `least` and, where there is a `most`, no greater than that. */
export function parseCount(text: string, flag: string, least = 0, most = Number.MAX_SAFE_INTEGER): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= least && count <= most && text.trim() !== '') return count;
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new UserError('INVALID_FLAG', `${flag}: "${text}" is no whole number ${range}`);
}
