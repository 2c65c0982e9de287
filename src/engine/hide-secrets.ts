import type { DesiredState } from '../model/desired-state.ts';
import { UserError } from '../model/diagnostic.ts';

/** Shorter values stand in too many words by chance. */
const LEAST = 4;

/** Values of Secrets that containers of the project are given, the longest first. */
export function secretValues({ replicas }: DesiredState): readonly string[] {
  const values = replicas.flatMap(({ containers }) =>
    containers.flatMap(({ env }) => env.filter(({ secret }) => secret).map(({ value }) => value.trim())),
  );
  return [...new Set(values)].filter(({ length }) => length >= LEAST).toSorted((a, b) => b.length - a.length);
}

/** The error without those values: an engine repeats the command or the variable that it stumbles over. */
export function hideSecrets(error: unknown, secrets: readonly string[]): unknown {
  if (!(error instanceof UserError)) return error;
  const hide = (text: string) => secrets.reduce((left, secret) => left.replaceAll(secret, '***'), text);
  const { code, exitCode, hint, details, diagnostics, replica, card } = error;
  if (hide(error.message) === error.message && hide(details ?? '') === (details ?? '')) return error;
  // Its cause has the engine's words.
  return new UserError(code, hide(error.message), {
    exitCode,
    diagnostics,
    ...(hint === undefined ? {} : { hint }),
    ...(details === undefined ? {} : { details: hide(details) }),
    ...(replica === undefined ? {} : { replica }),
    ...(card === undefined ? {} : { card }),
  });
}
