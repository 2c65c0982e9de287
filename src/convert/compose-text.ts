import type { DesiredContainer } from '../model/desired-state.ts';

/** Compose reads `$` as the start of a variable. */
export function escapeDollars(text: string): string {
  return text.replaceAll('$', '$$$$');
}

/** The variable of the caller that stands for a secret. */
export function variableOf(name: string): string {
  return `\${${name}:?${name} is a secret: set it}`;
}

/** Text for a compose file: `$` escaped, and in the place of every secret of the container, wherever `$(NAME)` has put it, its variable. */
export function composeText(container: DesiredContainer): (text: string) => string {
  const secrets = container.env.filter(({ secret, value }) => secret && value !== '');
  return (text) => {
    const parts = secrets.reduce<readonly { readonly text: string; readonly plain: boolean }[]>(
      (before, { name, value }) =>
        before.flatMap((part) =>
          part.plain
            ? part.text
                .split(value)
                .flatMap((piece, at) => [
                  ...(at > 0 ? [{ text: variableOf(name), plain: false }] : []),
                  { text: piece, plain: true },
                ])
            : [part],
        ),
      [{ text, plain: true }],
    );
    return parts.map((part) => (part.plain ? escapeDollars(part.text) : part.text)).join('');
  };
}
