import { type Command, Option } from 'commander';
import { UserError } from '../model/diagnostic.ts';
import type { Io } from './io.ts';

/** Flags of every verb that reads a launch script; they say nothing to a YAML file. */
export interface ScriptFlags {
  /** `-e`: variables that the script sees, `NAME=VALUE`, or `NAME` for the caller's own value. */
  readonly env?: readonly string[];
  readonly workspace?: string;
  readonly trustScript?: boolean;
}

export const SCRIPT_ARGUMENTS = 'behind --: arguments of a launch script';

/** Adds them to a command. */
export function addScriptFlags(command: Command): Command {
  return command
    .addOption(
      new Option('-e, --env <name[=value]>', 'variable for a launch script').argParser(
        (value: string, before: readonly string[] | undefined) => [...(before ?? []), value],
      ),
    )
    .option('--workspace <directory>', 'where images have the tree of a launch script (default: /workspace)')
    .option('--trust-script', 'run a launch script without a locked room, with stand-ins on PATH alone');
}

/**
 * What stands behind `--`. Commander hands both sides of it over in one list: `extra` is what followed the file. Throws ARGUMENT_UNKNOWN
 * for words before `--`.
 */
export function scriptArguments(extra: readonly string[], command: Command): readonly string[] {
  // What the program was called with: commander keeps it and does not declare it.
  const raw: unknown = Reflect.get(command.parent ?? command, 'rawArgs');
  const words: readonly unknown[] = Array.isArray(raw) ? raw : [];
  const dashes = words.indexOf('--');
  const behind = dashes < 0 ? 0 : words.length - dashes - 1;
  const unknown = extra.slice(0, Math.max(0, extra.length - behind));
  if (unknown.length > 0) {
    throw new UserError('ARGUMENT_UNKNOWN', `${unknown.join(' ')}: nothing is known to do with it`, {
      hint: 'arguments of a launch script stand behind --',
    });
  }
  return extra;
}

/** Variables of `-e` by name; a name alone takes the caller's value and is left out where the caller has none. */
export function readScriptEnv(flags: ScriptFlags, io: Io): Readonly<Record<string, string>> {
  const entries = (flags.env ?? []).flatMap((text): readonly (readonly [string, string])[] => {
    const equals = text.indexOf('=');
    if (equals === 0)
      throw new UserError('INVALID_FLAG', `-e ${text} names no variable`, { hint: 'write -e NAME=VALUE' });
    if (equals > 0) return [[text.slice(0, equals), text.slice(equals + 1)]];
    const own = io.env[text];
    return own === undefined ? [] : [[text, own]];
  });
  return Object.fromEntries(entries);
}
