import type { Writable } from 'node:stream';
import { styleText } from 'node:util';

const COLORS = [
  'cyan',
  'yellow',
  'green',
  'magenta',
  'blue',
  'cyanBright',
  'yellowBright',
  'greenBright',
  'magentaBright',
  'blueBright',
] as const;

/** Writes lines as `decode-0 | text`, prefixes aligned, each source in its own colour. */
export function createLogWriter(
  stream: Writable,
  sources: readonly string[],
  options: { readonly color: boolean },
): (source: string, line: string) => void {
  const width = Math.max(0, ...sources.map((source) => source.length));
  const colors = new Map<string, (typeof COLORS)[number]>();
  const colorOf = (source: string) => {
    const found = colors.get(source) ?? COLORS[colors.size % COLORS.length] ?? 'cyan';
    colors.set(source, found);
    return found;
  };
  for (const source of sources) colorOf(source);
  return (source, line) => {
    const prefix = `${source.padEnd(width)} | `;
    stream.write(`${options.color ? styleText(colorOf(source), prefix, { validateStream: false }) : prefix}${line}\n`);
  };
}
