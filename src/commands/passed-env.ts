import { UserError } from '../model/diagnostic.ts';

/** Variables of the caller that `--env-pass` names; `LD_*` stands for all that begin so. INVALID_FLAG (exit 2) for a name that is none. */
export function passedEnv(
  names: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ReadonlyMap<string, string> {
  const patterns = names.flatMap((text) => text.split(',')).map((text) => text.trim());
  const wrong = patterns.find((text) => !/^[A-Za-z_][A-Za-z0-9_]*\*?$|^\*$/.test(text));
  if (wrong !== undefined) {
    throw new UserError('INVALID_FLAG', `--env-pass: "${wrong}" is no name of a variable`, {
      hint: 'for example --env-pass HTTPS_PROXY, or --env-pass NCCL_*',
    });
  }
  const isNamed = (name: string) =>
    patterns.some((text) => (text.endsWith('*') ? name.startsWith(text.slice(0, -1)) : name === text));
  return new Map(
    Object.entries(env).flatMap(([name, value]): [string, string][] =>
      value !== undefined && isNamed(name) ? [[name, value]] : [],
    ),
  );
}
