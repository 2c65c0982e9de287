import { list, type MapNode, type Node, scalar, withField } from '../model/node.ts';
import { isAtLeast } from '../model/version.ts';
import { MOCK } from './mock-pod.ts';

interface GoneFlag {
  readonly flag: string;
  readonly takesValue: boolean;
  /** First version whose frontend ends at it. */
  readonly since: readonly [number, number];
}

/** Flags that frontends of older files have and newer runtimes refuse (facts/versions.md §8, `--help` of 1.0.2, 1.4.2 and 1.6.1). */
const GONE: readonly GoneFlag[] = [
  { flag: '--store-kv', takesValue: true, since: [1, 0] },
  { flag: '--busy-threshold', takesValue: true, since: [1, 0] },
  { flag: '--kv-overlap-score-weight', takesValue: true, since: [1, 2] },
  { flag: '--router-kv-overlap-score-weight', takesValue: true, since: [1, 2] },
  { flag: '--router-max-tree-size', takesValue: true, since: [1, 2] },
  { flag: '--router-prune-target-ratio', takesValue: true, since: [1, 2] },
  { flag: '--decode-fallback', takesValue: false, since: [1, 2] },
  { flag: '--no-decode-fallback', takesValue: false, since: [1, 2] },
  { flag: '--router-reset-states', takesValue: false, since: [1, 4] },
  { flag: '--no-router-reset-states', takesValue: false, since: [1, 4] },
  { flag: '--durable-kv-events', takesValue: false, since: [1, 4] },
  { flag: '--no-durable-kv-events', takesValue: false, since: [1, 4] },
  { flag: '--router-durable-kv-events', takesValue: false, since: [1, 4] },
  { flag: '--no-router-durable-kv-events', takesValue: false, since: [1, 4] },
  { flag: '--router-snapshot-threshold', takesValue: true, since: [1, 4] },
];

/**
 * A frontend or router for the runtime of another version than its own: without the flags that this one ends at, and without a
 * discovery that only a cluster has. Reads argv and shell texts alike.
 */
export function adaptFrontend(
  container: MapNode,
  version: string,
): { readonly container: MapNode; readonly leftOut: readonly string[] } {
  const gone = [
    ...GONE.filter(({ since: [major, minor] }) => isAtLeast(version, major, minor)),
    { flag: '--discovery-backend', takesValue: true },
  ];
  const leftOut: string[] = [];
  let changed = container;
  for (const field of ['command', 'args']) {
    const written = container.fields.get(field);
    if (written?.kind !== 'list') continue;
    const items: Node[] = [];
    let skip = false;
    for (const item of written.items) {
      const text = item.kind === 'scalar' && typeof item.value === 'string' ? item.value : undefined;
      const whole = gone.find(({ flag }) => text === flag || text?.startsWith(`${flag}=`) === true);
      if (skip || text === undefined) {
        if (!skip) items.push(item);
        skip = false;
      } else if (whole) {
        leftOut.push(whole.flag);
        skip = whole.takesValue && text === whole.flag;
      } else {
        const cut = gone.reduce((rest, { flag, takesValue }) => {
          const pattern = new RegExp(`(^|\\s)${flag}${takesValue ? '[ =]\\S+' : ''}(?=\\s|$)`, 'g');
          if (!pattern.test(rest)) return rest;
          leftOut.push(flag);
          return rest.replaceAll(pattern, '');
        }, text);
        items.push(cut === text ? item : scalar(cut, MOCK));
      }
    }
    changed = withField(changed, field, list(items, written.origin));
  }
  return { container: changed, leftOut };
}
