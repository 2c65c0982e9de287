/** The value of the first of these flags that is there, written `--flag value` or `--flag=value`; undefined when none is or nothing follows. */
export function flagValue(argv: readonly string[], ...names: readonly string[]): string | undefined {
  for (const [index, word] of argv.entries()) {
    if (names.includes(word)) return argv[index + 1];
    const equals = word.indexOf('=');
    if (equals > 0 && names.includes(word.slice(0, equals))) return word.slice(equals + 1);
  }
  return undefined;
}

export function hasFlag(argv: readonly string[], ...names: readonly string[]): boolean {
  return argv.some((word) => names.includes(word) || names.some((name) => word.startsWith(`${name}=`)));
}

/** The argument list without these flags and their values. */
export function withoutFlags(argv: readonly string[], ...names: readonly string[]): readonly string[] {
  return argv.filter((word, index) => {
    const before = argv[index - 1];
    if (before !== undefined && names.includes(before)) return false;
    return !names.includes(word) && !names.some((name) => word.startsWith(`${name}=`));
  });
}

/** A whole number above zero, or undefined. */
export function countOf(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d*$/.test(text) ? Number(text) : undefined;
}
