import type { ClassifiedLaunch } from './classify-launch.ts';
import { membersOf, type UnitGroup } from './group-launches.ts';
import type { Wait } from './recording.ts';

/** A sleep this long stands for waiting until what was started before is ready; shorter ones only keep log lines apart. */
const LONG_SLEEP_S = 5;

/**
 * Components that must be ready before another one starts: those that the script polls, and engines before which it sleeps long (two of
 * them that load at once on one GPU run out of memory). Encoders and processors are not slept for: some are ready only with the rest.
 * A component that is among its own has replicas of which the script starts one after another.
 */
export function startOrder(
  groups: readonly UnitGroup[],
  names: readonly string[],
  launches: readonly ClassifiedLaunch[],
): ReadonlyMap<string, readonly string[]> {
  const nameOf = (index: number) =>
    names[
      groups.findIndex(({ units }) => units.some((unit) => membersOf(unit).some((member) => member.index === index)))
    ];
  const mains = new Set(groups.flatMap(({ units }) => units.map((unit) => unit.main.index)));
  const order = new Map<string, readonly string[]>();
  const waited = new Set<string>();
  for (const [position, launch] of launches.entries()) {
    for (const wait of launch.launch.after) {
      for (const index of waitedFor(wait, launches.slice(0, position))) {
        // What stands beside the main process starts with it.
        const target = mains.has(index) ? nameOf(index) : undefined;
        if (target !== undefined) waited.add(target);
      }
    }
    const name = nameOf(launch.index);
    const before = [...waited].filter((other) =>
      other === name ? mains.has(launch.index) : !dependsOn(order, other, name),
    );
    if (name !== undefined && before.length > 0) order.set(name, [...new Set([...(order.get(name) ?? []), ...before])]);
  }
  return order;
}

function waitedFor(wait: Wait, before: readonly ClassifiedLaunch[]): readonly number[] {
  if (wait.kind === 'poll') return wait.launch === undefined ? [] : [wait.launch];
  if (wait.kind !== 'sleep' || wait.seconds < LONG_SLEEP_S) return [];
  return before.filter(isPlainEngine).map((launch) => launch.index);
}

function isPlainEngine({ kind, program, role }: ClassifiedLaunch): boolean {
  return role !== 'encode' && (kind === 'mocker' || /^dynamo\.(?:vllm|sglang|trtllm)$/.test(program));
}

/** Replicas of one component may stand on both sides of a wait: a circle would wait for itself. */
function dependsOn(order: ReadonlyMap<string, readonly string[]>, from: string, to: string | undefined): boolean {
  return (order.get(from) ?? []).some((next) => next !== from && (next === to || dependsOn(order, next, to)));
}
