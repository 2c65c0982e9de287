type Variables = ReadonlyMap<string, string>;

/** `$(NAME)` as the kubelet expands it; what is unknown stays as it is written. */
export function expandReferences(text: string, env: Variables): string {
  return text.replaceAll(/\$\(([A-Za-z_][\w]*)\)/g, (written, name: string) => env.get(name) ?? written);
}

const VARIABLE = /\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?::?[-=]([^}]*))?\})/g;

function expandVariables(text: string, env: Variables): string {
  return text.replaceAll(
    VARIABLE,
    (written: string, plain?: string, braced?: string, fallback?: string) =>
      env.get(plain ?? braced ?? '') || fallback || written,
  );
}

/** Pieces of a command line: what is quoted, what is escaped, blanks, what ends a command, and the rest. */
const PIECE = /'([^']*)'|"((?:\\.|[^"\\])*)"|(\\\n)|\\(.)|([ \t\r]+)|([\n;&|()<>])|([^'"\\\s;&|()<>]+)/gs;

/**
 * The words of the first simple command of a shell text, quotes and variables resolved: it ends at a line break, `;`, `&`, `|`, a
 * bracket or a redirection. Variables that nobody sets stay as they are written.
 */
export function shellWords(text: string, env: Variables): readonly string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (const [, single, double, joined, escaped, blank, end, plain] of text.matchAll(PIECE)) {
    if (end !== undefined) {
      // The number before a redirection is no argument.
      if (/[<>]/.test(end) && /^\d$/.test(word ?? '')) word = undefined;
      break;
    }
    if (blank !== undefined) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (joined === undefined) {
      const quoted =
        double === undefined ? undefined : expandVariables(double, env).replaceAll(/\\(["\\$`])|\\\n/g, '$1');
      const bare = plain === undefined ? undefined : expandVariables(plain, env);
      word = (word ?? '') + (single ?? quoted ?? escaped ?? bare ?? '');
    }
  }
  return word === undefined ? words : [...words, word];
}
