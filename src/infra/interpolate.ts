type Variables = Readonly<Record<string, string | undefined>>;

/** A variable that a compose file needs has no value. */
export class MissingVariable extends Error {}

/** `$$`, `$NAME`, `${NAME}` and `${NAME` with `:-`, `-`, `:?`, `?`, `:+` or `+` and a word that may hold variables again. */
const VARIABLE = /\$\$|\$([A-Za-z_]\w*)|\$\{([A-Za-z_]\w*)(?:(:?[-?+])((?:[^{}]|\{[^{}]*\})*))?\}/g;

/** Fills variables in as docker compose does (compose-spec, 12-interpolation); one without a value is empty. Throws MissingVariable for `?`. */
export function interpolate(text: string, env: Variables): string {
  return text.replace(VARIABLE, (whole, bare?: string, braced?: string, sign?: string, word?: string) => {
    if (whole === '$$') return '$';
    const name = bare ?? braced ?? '';
    const value = env[name];
    const has = value !== undefined && (value !== '' || sign === undefined || !sign.startsWith(':'));
    switch (sign?.at(-1)) {
      case '-':
        return has ? value : interpolate(word ?? '', env);
      case '+':
        return has ? interpolate(word ?? '', env) : '';
      case '?':
        if (!has) throw new MissingVariable(word === undefined || word === '' ? `${name} is not set` : word);
        return value;
      default:
        return value ?? '';
    }
  });
}
