interface Request {
  readonly replica: string;
  readonly count: number;
  readonly previous: readonly string[];
}

export type SlottedRequest<R extends Request> = R & {
  /** One for each GPU; equal slots are one GPU. Empty: the replica shares none. */
  readonly slots: readonly string[];
};

export interface MergedRequests<R> {
  /** Replicas that share GPUs stand in one request, under the name of the first. */
  readonly requests: readonly R[];
  /** What each replica gets of what the requests got. */
  readonly split: (given: ReadonlyMap<string, readonly string[]>) => ReadonlyMap<string, readonly string[]>;
}

interface Cluster<R extends Request> {
  readonly members: readonly SlottedRequest<R>[];
  readonly slots: ReadonlySet<string>;
}

/** Turns replicas that share GPUs into single requests for as many as they have together, for an allocator that knows no sharing. */
export function mergeSlots<R extends Request>(all: readonly SlottedRequest<R>[]): MergedRequests<R> {
  let clusters: readonly Cluster<R>[] = [];
  for (const request of all) {
    const own = request.slots.length === request.count ? request.slots : [];
    const touched = clusters.filter((cluster) => own.some((slot) => cluster.slots.has(slot)));
    const merged = {
      members: [...touched.flatMap((cluster) => cluster.members), request],
      slots: new Set([...touched.flatMap((cluster) => [...cluster.slots]), ...own]),
    };
    const place = touched[0] === undefined ? clusters.length : clusters.indexOf(touched[0]);
    clusters = clusters.filter((cluster) => !touched.includes(cluster)).toSpliced(place, 0, merged);
  }
  return {
    requests: clusters.flatMap(({ members, slots }) => {
      const [first] = members;
      if (first === undefined) return [];
      return slots.size === 0 ? [first] : [{ ...first, count: slots.size, previous: previousOf(members, [...slots]) }];
    }),
    split: (given) =>
      new Map(
        clusters.flatMap(({ members, slots }) => {
          const uuids = given.get(members[0]?.replica ?? '') ?? [];
          const bySlot = new Map([...slots].map((slot, index) => [slot, uuids[index] ?? '']));
          return members.map((member): [string, readonly string[]] => [
            member.replica,
            slots.size === 0 ? uuids : member.slots.map((slot) => bySlot.get(slot) ?? ''),
          ]);
        }),
      ),
  };
}

/** What the slots were before, when all of them were and the replicas agree; else nothing is kept. */
function previousOf(members: readonly SlottedRequest<Request>[], slots: readonly string[]): readonly string[] {
  const before = new Map<string, string>();
  for (const { slots: own, previous } of members) {
    if (previous.length !== own.length) return [];
    for (const [index, slot] of own.entries()) {
      const uuid = previous[index] ?? '';
      if ((before.get(slot) ?? uuid) !== uuid) return [];
      before.set(slot, uuid);
    }
  }
  const kept = slots.map((slot) => before.get(slot) ?? '');
  return new Set(kept).size === kept.length ? kept : [];
}
