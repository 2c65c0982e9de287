import { EXIT, UserError } from '../model/diagnostic.ts';
import { listDevices } from '../model/gpu-device.ts';
import type { GpuInventory, GpuTopology } from '../model/host-inventory.ts';
import { replicaId } from '../model/names.ts';
import type { ObservedState } from '../model/observed-state.ts';
import { allocateGpus, type GpuShortage } from '../plan/allocate-gpus.ts';
import type { LocalReplica } from '../plan/build-desired-state.ts';
import { formatGpuShortage } from '../plan/format-gpu-shortage.ts';
import { mergeSlots } from '../plan/gpu-slots.ts';
import { migProfile } from '../plan/local-pod.ts';

export interface GiveGpusInput {
  readonly replicas: readonly LocalReplica[];
  readonly inventory: GpuInventory;
  /** Undefined where no replica takes several. */
  readonly topology: GpuTopology | undefined;
  readonly observed: ObservedState;
  /** `--gpus`, else the caller's CUDA_VISIBLE_DEVICES. */
  readonly restrictTo: readonly string[] | undefined;
}

/** UUIDs by replica. Throws GPU_SHORTAGE (exit 3) with the table of need, have and held by; nothing has started then. */
export function giveGpus(input: GiveGpusInput): ReadonlyMap<string, readonly string[]> {
  const { inventory, observed, restrictTo } = input;
  const previous = new Map<string, readonly string[]>();
  for (const container of observed.containers) {
    if (container.gpus.length === 0) continue;
    const id = replicaId(container.component, container.replica);
    previous.set(id, [...(previous.get(id) ?? []), ...container.gpus]);
  }
  const ownHolds = new Set(
    observed.gpuHolds.filter((hold) => hold.project === observed.project).map((hold) => hold.uuid),
  );
  const merged = mergeSlots(
    input.replicas.map(({ id, gpuCount, gpuSlots, component }) => ({
      replica: id,
      count: gpuCount,
      previous: keptGpus(previous.get(id) ?? [], gpuCount),
      slots: gpuSlots,
      profile: migProfile(component),
    })),
  );
  const result = allocateGpus({
    requests: merged.requests,
    gpus: inventory.gpus,
    holds: observed.gpuHolds.filter((hold) => hold.project !== observed.project),
    restrictTo,
    topology: input.topology,
    // What runs on a GPU that this project holds is this project's.
    ownPids: new Set(
      listDevices(inventory.gpus)
        .filter(({ uuid }) => ownHolds.has(uuid))
        .flatMap(({ processes }) => processes.map(({ pid }) => pid)),
    ),
  });
  if (result.kind === 'allocated') {
    const given = merged.split(result.byReplica);
    checkExclusive(given, inventory);
    return given;
  }
  throw shortageError(result.shortage, inventory.problem, input.replicas);
}

/** Throws GPU_EXCLUSIVE (exit 3) where replicas are to share a GPU that takes a single process. */
function checkExclusive(given: ReadonlyMap<string, readonly string[]>, { gpus }: GpuInventory): void {
  for (const { uuid, index } of gpus.filter(({ computeMode }) => computeMode === 'exclusive')) {
    const sharers = [...given].flatMap(([replica, uuids]) => (uuids.includes(uuid) ? [replica] : []));
    if (sharers.length < 2) continue;
    throw new UserError(
      'GPU_EXCLUSIVE',
      `${sharers.join(' and ')} cannot share GPU ${index}: its compute mode is Exclusive_Process`,
      { exitCode: EXIT.preflight, hint: `nvidia-smi -i ${index} -c DEFAULT lets several processes use it` },
    );
  }
}

/** What the containers of a replica hold, one after another; those that share a claim hold the same. */
function keptGpus(held: readonly string[], count: number): readonly string[] {
  return held.length === count ? held : [...new Set(held)];
}

function shortageError(
  shortage: GpuShortage,
  problem: string | undefined,
  replicas: readonly LocalReplica[],
): UserError {
  const none = shortage.rows.length === 0 && problem !== undefined ? ` (${problem})` : '';
  return new UserError(
    'GPU_SHORTAGE',
    `the graph needs ${shortage.needed} GPUs and ${shortage.available} are free${none}`,
    {
      exitCode: EXIT.preflight,
      details: formatGpuShortage(shortage),
      hint: shortageHint(shortage, replicas),
    },
  );
}

/** What would help, by name. */
function shortageHint({ rows, projects }: GpuShortage, replicas: readonly LocalReplica[]): string {
  if (rows.length === 0)
    return '--mock runs the graph without a GPU; graphs of mockers need none: launch/mocker has four';
  const takers = replicas.filter(({ gpuCount }) => gpuCount > 0).map(({ component }) => component.name);
  const scalable = takers.find((name, at) => takers.indexOf(name) !== at);
  return [
    ...projects.map((project) => `dynamo down -p ${project}`),
    ...(scalable === undefined ? [] : [`--scale ${scalable}=1`]),
    ...(rows.some(({ heldBy }) => heldBy === 'not in --gpus') ? ['other --gpus'] : []),
    ...(takers.length > 1 ? ['--share-gpus'] : []),
    '--mock, which needs none',
  ].join(', or ');
}

/** `--gpus 0,2` or CUDA_VISIBLE_DEVICES; undefined when neither restricts. */
export function chosenGpus(
  flag: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): readonly string[] | undefined {
  const text = flag ?? env.CUDA_VISIBLE_DEVICES;
  if (text === undefined || (flag === undefined && text === '')) return undefined;
  const chosen = text.split(',').map((entry) => entry.trim());
  if (flag !== undefined && chosen.some((entry) => !/^(\d+(:\d+)?|GPU-[0-9a-f-]+|MIG-[\w/-]+)$/.test(entry))) {
    throw new UserError('INVALID_FLAG', `--gpus: "${text}" is no list of GPUs`, {
      hint: 'write indexes or UUIDs, for example --gpus 0,2; 0:1 is the second slice of a GPU in MIG mode',
    });
  }
  return chosen;
}
