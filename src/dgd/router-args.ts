import { list, type MapNode, type Node, scalar, stringsAt, withField } from '../model/node.ts';

const ROUTER_FLAG = /^--(router-[\w-]+)(?:=(.*))?$/;

/**
 * Takes `--router-mode kv` and its neighbours out of what a component without a command is given: engines do not know them, the frontend
 * routes. `flags` are by their key, as fragments write them.
 */
export function takeRouterFlags(written: MapNode): {
  readonly written: MapNode;
  readonly flags: ReadonlyMap<string, Node>;
} {
  const args = written.fields.get('args');
  const flags = new Map<string, Node>();
  if (args === undefined || written.fields.has('command')) return { written, flags };
  const words = args.kind === 'scalar' ? String(args.value).split(/\s+/) : (stringsAt(written, 'args') ?? []);
  const rest: string[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const [, name, joined] = ROUTER_FLAG.exec(words[index] ?? '') ?? [];
    if (name === undefined) {
      rest.push(words[index] ?? '');
      continue;
    }
    const next = words[index + 1];
    const follows = joined === undefined && next !== undefined && !next.startsWith('-');
    flags.set(name, scalar(joined ?? (follows ? next : true), args.origin));
    if (follows) index += 1;
  }
  if (flags.size === 0) return { written, flags };
  const kept =
    args.kind === 'scalar'
      ? scalar(rest.join(' '), args.origin)
      : list(
          rest.map((word) => scalar(word, args.origin)),
          args.origin,
        );
  return { written: withField(written, 'args', rest.length === 0 ? undefined : kept), flags };
}
