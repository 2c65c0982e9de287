import { quoteWord } from '../script/shell-quote.ts';

/** The directory of the script, in a text that `scriptWord` writes; a character of the private use area, which no text of a graph has. */
export const SCRIPT_DIR = '\uE000';
/** The port of the frontend, as its caller wants it. */
export const HTTP_PORT = '\uE001';
/** Around the name of a variable whose value only the caller has: a secret. */
const CALLER = ['\uE002', '\uE003'] as const;

/** The value of a variable of the script's caller, in such a text. */
export function ofCaller(name: string): string {
  return `${CALLER[0]}${name}${CALLER[1]}`;
}

/** What the shell gets in their place. */
const FILLED_IN: ReadonlyMap<string, string> = new Map([
  [SCRIPT_DIR, '"$SCRIPT_DIR"'],
  [HTTP_PORT, '"${DYN_HTTP_PORT:-8000}"'],
]);

/** One word of the script: as `quoteWord`, with the marks above left for the shell to fill in. */
export function scriptWord(text: string): string {
  if (text === '') return "''";
  const parts = text.split(/([\uE000\uE001]|\uE002\w+\uE003)/);
  return parts.map(fillIn).join('');
}

function fillIn(part: string): string {
  if (part.startsWith(CALLER[0])) return `"\${${part.slice(1, -1)}:-}"`;
  return FILLED_IN.get(part) ?? (part === '' ? '' : quoteWord(part));
}

/** A command over several lines: settings, the program, then a line for each flag with its value. */
export function commandLines(settings: readonly string[], words: readonly string[]): string {
  const lines: string[] = settings.length > 0 ? [settings.join(' ')] : [];
  const first = words.findIndex((word, index) => index > 0 && word.startsWith('--'));
  const program = first < 0 ? words : words.slice(0, first);
  lines.push(program.map(scriptWord).join(' '));
  for (const word of words.slice(program.length)) {
    if (word.startsWith('-')) lines.push(scriptWord(word));
    else lines[lines.length - 1] += ` ${scriptWord(word)}`;
  }
  return lines.join(' \\\n    ');
}

/** A comment of any text: no line of it can become a command. */
export function comment(text: string): string {
  return `# ${text.replaceAll(/[\r\n]+/g, ' ')}`;
}
