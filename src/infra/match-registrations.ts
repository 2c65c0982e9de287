import type { RegisteredInstance, Registration } from './parse-registration.ts';

/** A replica whose processes shall be registered. */
export interface ExpectedReplica {
  readonly id: string;
  readonly component: string;
  /** How many instances: one per process. */
  readonly instances: number;
  /** Its address on the project's network while it runs. */
  readonly address: string | undefined;
  readonly prefill: boolean;
}

export interface MatchedRegistrations {
  /** Instance ids by replica id; every expected replica is in it. */
  readonly byReplica: ReadonlyMap<string, readonly string[]>;
  /** Instances at an address that no expected replica has, or beyond what is expected where no address is told. */
  readonly strays: readonly RegisteredInstance[];
}

/**
 * Which instance belongs to which replica: by the address in its registration; where requests go through NATS there is none, and
 * instances are counted, prefill apart from the rest. One process is one instance, however many endpoints it registers; only those that
 * serve a model count (facts/versions.md §4).
 */
export function matchRegistrations(
  registrations: readonly Registration[],
  expected: readonly ExpectedReplica[],
): MatchedRegistrations {
  const byReplica = new Map<string, string[]>(expected.map(({ id }) => [id, []]));
  const strays: RegisteredInstance[] = [];
  for (const instance of servingInstances(registrations)) {
    const owner =
      instance.host === undefined
        ? expected.find(
            (replica) =>
              replica.prefill === instance.component.includes('prefill') &&
              (byReplica.get(replica.id)?.length ?? 0) < replica.instances,
          )
        : expected.find((replica) => replica.address === instance.host);
    if (owner) byReplica.get(owner.id)?.push(instance.instance);
    else strays.push(instance);
  }
  return { byReplica, strays };
}

/** One entry for each process that serves `generate`, or an endpoint with a model. */
function servingInstances(registrations: readonly Registration[]): readonly RegisteredInstance[] {
  const modelPlaces = new Set(
    registrations.flatMap((entry) => (entry.kind === 'model' ? [`${entry.instance} ${entry.endpoint}`] : [])),
  );
  const byId = new Map<string, RegisteredInstance>();
  for (const entry of registrations) {
    if (entry.kind !== 'instance') continue;
    if (entry.endpoint !== 'generate' && !modelPlaces.has(`${entry.instance} ${entry.endpoint}`)) continue;
    if (!byId.has(entry.instance)) byId.set(entry.instance, entry);
  }
  return [...byId.values()];
}
