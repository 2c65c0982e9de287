/**
 * Lines that exist only because this program probes: a worker logs every probe that it answers with 503 as an error, a frontend of
 * 1.2 and later each one it answers at all (facts/versions.md §7). They are ours and are not shown.
 */
const NOISE: readonly RegExp[] = [
  /\b(?:health|live)(?:_handler)?\b.*\b(?:503|notready|not ready)\b/i,
  /http response sent.*(?:uri|path)="?\/(?:health|live|v1\/models)"?/i,
  /(?:uri|path)[=:]"?\/(?:health|live)"?.*http response sent/i,
];

export function isProbeNoise(line: string): boolean {
  return NOISE.some((pattern) => pattern.test(line));
}
