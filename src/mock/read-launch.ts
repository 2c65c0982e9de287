import { itemsAt, type Node, stringAt, stringsAt } from '../model/node.ts';
import { expandReferences, shellWords } from './shell-words.ts';

/** A Python module that a container runs, and its arguments. */
export interface ModuleLaunch {
  /** `dynamo.vllm` */
  readonly module: string;
  readonly args: readonly string[];
}

const SHELL = /(?:^|\/)(?:ba|da)?sh$/;

/** The literal values of a container's environment. */
export function literalEnv(container: Node): ReadonlyMap<string, string> {
  return new Map(
    itemsAt(container, 'env').flatMap((item): [string, string][] => {
      const name = stringAt(item, 'name');
      const value = stringAt(item, 'value');
      return name === undefined || value === undefined ? [] : [[name, value]];
    }),
  );
}

/** The Dynamo module of a container, from its argv or from the shell text that `sh -c` is given; undefined when it runs none. */
export function readLaunch(container: Node): ModuleLaunch | undefined {
  const env = literalEnv(container);
  const words = [...(stringsAt(container, 'command') ?? []), ...(stringsAt(container, 'args') ?? [])].map((word) =>
    expandReferences(word, env),
  );
  const flag = SHELL.test(words[0] ?? '') ? words.findIndex((word) => /^-\w*c$/.test(word)) : -1;
  if (flag === -1) {
    const at = words.findIndex((word, index) => word === '-m' && words[index + 1]?.startsWith('dynamo.'));
    const module = words[at + 1];
    return at === -1 || module === undefined ? undefined : { module, args: words.slice(at + 2) };
  }
  const text = words[flag + 1] ?? '';
  const started = /(?:^|\s)-m\s+(dynamo(?:\.\w+)+)(?=\s|$)/.exec(text);
  return started?.[1] === undefined
    ? undefined
    : { module: started[1], args: shellWords(text.slice(started.index + started[0].length), env) };
}
