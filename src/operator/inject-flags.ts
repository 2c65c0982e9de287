import { fromJson, itemsAt, type MapNode, scalar, stringsAt } from '../model/node.ts';
import type { Origin } from '../model/origin.ts';
import { withAppended, withItems } from './edit-node.ts';

const PYTHON = /^(.*\/)?(python\d*(\.\d+)*)$/;

/**
 * Adds engine flags where the engine will read them: behind the args of a python command, else inside the first shell script that
 * starts the framework, right after the last word of that segment that names it [102 utils.go:78-138, 150 utils.go:119-180].
 */
export function injectFlags(container: MapNode, flags: readonly string[], framework: string, origin: Origin): MapNode {
  const [program = ''] = stringsAt(container, 'command') ?? [];
  if (PYTHON.test(program)) {
    const words = flags.map((flag) => fromJson(flag, origin));
    return withAppended(container, 'args', words, origin);
  }
  const pattern = new RegExp(`(python[0-9.]*\\s+[^|&;]*${framework}[^|&;]*?)(\\s|$|[|&;])`, 'g');
  const args = itemsAt(container, 'args');
  for (const [index, arg] of args.entries()) {
    if (arg.kind !== 'scalar' || typeof arg.value !== 'string') continue;
    const changed = arg.value.replace(pattern, (_, start: string, end: string) => `${start} ${flags.join(' ')}${end}`);
    if (changed !== arg.value) return withItems(container, 'args', args.with(index, scalar(changed, origin)), origin);
  }
  return container;
}

/** True when a flag with this value stands among the args. */
export function hasFlag(container: MapNode, flag: string, value: string): boolean {
  const words = stringsAt(container, 'args') ?? [];
  return words.some((word, index) => word === `${flag}=${value}` || (word === flag && words[index + 1] === value));
}
