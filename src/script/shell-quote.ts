/** One word of bash that means exactly this text; control characters besides line breaks and tabs are spelt out. */
export function quoteWord(text: string): string {
  if (/^[A-Za-z0-9_./:=@%+,-]+$/.test(text)) return text;
  const isPlain = [...text].every((character) => character >= ' ' || character === '\n' || character === '\t');
  if (isPlain) return `'${text.replaceAll("'", "'\\''")}'`;
  const spelt = [...text].map((character) => {
    if (character === '\\' || character === "'") return `\\${character}`;
    return character < ' ' ? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}` : character;
  });
  return `$'${spelt.join('')}'`;
}

/** A command line that means exactly these words. */
export function quoteWords(words: readonly string[]): string {
  return words.map(quoteWord).join(' ');
}
