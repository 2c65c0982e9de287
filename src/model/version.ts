/** `1.4.2` → [1, 4]; anything unreadable counts as newest. */
function majorMinor(version: string): readonly [number, number] {
  const match = /^(\d+)\.(\d+)/.exec(version);
  return match ? [Number(match[1]), Number(match[2])] : [Number.MAX_SAFE_INTEGER, 0];
}

/** True when `version` is `major.minor` or newer. */
export function isAtLeast(version: string, major: number, minor: number): boolean {
  const [ownMajor, ownMinor] = majorMinor(version);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}
