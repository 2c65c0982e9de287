import type { Command } from 'commander';
import { UserError } from '../model/diagnostic.ts';
import { type Io, print } from './io.ts';

/** Words of each verb, for a shell that completes. */
function describe(
  program: Command,
): readonly { readonly name: string; readonly description: string; readonly flags: readonly string[] }[] {
  return program.commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    flags: command.options.flatMap((option) => (option.long ? [option.long] : [])),
  }));
}

type Verbs = ReturnType<typeof describe>;

function bash(verbs: Verbs): string {
  const cases = verbs.map(({ name, flags }) => `    ${name}) words="${flags.join(' ')}" ;;`).join('\n');
  return `_dynamo() {
  local word="\${COMP_WORDS[COMP_CWORD]}" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${verbs.map(({ name }) => name).join(' ')} --help --version" -- "$word"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases}
  esac
  if [[ "$word" == -* ]]; then COMPREPLY=($(compgen -W "$words" -- "$word")); else COMPREPLY=($(compgen -f -- "$word")); fi
}
complete -o filenames -F _dynamo dynamo
`;
}

function zsh(verbs: Verbs): string {
  const commands = verbs.map(({ name, description }) => `    '${name}:${description.replaceAll("'", '’')}'`).join('\n');
  const cases = verbs.map(({ name, flags }) => `    ${name}) compadd -- ${flags.join(' ')} ;;`).join('\n');
  return `#compdef dynamo
_dynamo() {
  local -a verbs
  verbs=(
${commands}
  )
  if (( CURRENT == 2 )); then _describe 'command' verbs; return; fi
  case "\${words[2]}" in
${cases}
  esac
  _files
}
compdef _dynamo dynamo
`;
}

function fish(verbs: Verbs): string {
  const lines = verbs.flatMap(({ name, description, flags }) => [
    `complete -c dynamo -n __fish_use_subcommand -a ${name} -d '${description.replaceAll("'", '’')}'`,
    ...flags.map((flag) => `complete -c dynamo -n '__fish_seen_subcommand_from ${name}' -l ${flag.replace(/^--/, '')}`),
  ]);
  return `${lines.join('\n')}\n`;
}

const SHELLS: Readonly<Record<string, (verbs: Verbs) => string>> = { bash, zsh, fish };

/** Prints the script; `source <(dynamo completion bash)` turns completion on. */
export function printCompletion(shell: string, program: Command, io: Io): void {
  const write = SHELLS[shell];
  if (!write)
    throw new UserError('INVALID_FLAG', `there is no completion for "${shell}"`, {
      hint: `choose ${Object.keys(SHELLS).join(', ')}`,
    });
  print(io, write(describe(program)));
}
