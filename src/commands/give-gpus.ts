import { EXIT, UserError } from '../model/diagnostic.ts';
import { listDevices } from '../model/gpu-device.ts';
import type { GpuInventory, GpuTopology } from '../model/host-inventory.ts';
import { replicaId } from '../model/names.ts';
import type { ObservedState } from '../model/observed-state.ts';
import { allocateGpus, type GpuShortage } from '../plan/allocate-gpus.ts';
import type { LocalReplica } from '../plan/build-desired-state.ts';
import { formatGpuShortage } from '../plan/format-gpu-shortage.ts';
import { isChosen } from '../plan/gpu-devices.ts';
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
  /** Which of them it came from. */
  readonly restrictedBy?: string | undefined;
  /** Replicas per GPU that `--share-gpus` asked for. */
  readonly perGpu?: number;
}

/** UUIDs by replica. Throws GPU_SHORTAGE (exit 3) with the table of need, have and held by; nothing has started then. */
export function giveGpus(input: GiveGpusInput): ReadonlyMap<string, readonly string[]> {
  const { inventory, observed, restrictTo } = input;
  checkChosen(input);
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
    ownDevices: ownHolds,
    restrictedBy: input.restrictedBy,
  });
  if (result.kind === 'allocated') {
    const given = merged.split(result.byReplica);
    checkExclusive(given, inventory);
    return given;
  }
  throw shortageError(result.shortage, input);
}

/** Throws GPU_UNKNOWN (exit 3) where `--gpus` names one that is not there; CUDA skips what its variable names so. */
function checkChosen({ inventory, restrictTo = [], restrictedBy = '--gpus' }: GiveGpusInput): void {
  const devices = listDevices(inventory.gpus);
  if (devices.length === 0 || restrictedBy !== '--gpus') return;
  const unknown = restrictTo.find((id) => !devices.some((device) => isChosen(device, [id])));
  if (unknown === undefined) return;
  throw new UserError('GPU_UNKNOWN', `--gpus ${unknown}: there is no such GPU`, {
    exitCode: EXIT.preflight,
    hint: `there are ${devices.map(({ label }) => label).join(', ')}; dynamo gpus tells more of them`,
  });
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

function shortageError(shortage: GpuShortage, input: GiveGpusInput): UserError {
  const { problem } = input.inventory;
  const { needed, available, rows } = shortage;
  const sliced = rows.some(({ gpu, heldBy }) => gpu.profile !== undefined && heldBy === 'free');
  const why =
    rows.length === 0 && problem !== undefined
      ? ` (${problem})`
      : needed <= available && sliced
        ? ', but a replica of several GPUs needs whole ones: CUDA sees a single slice per process'
        : '';
  const message = `the graph needs ${needed} GPU${needed === 1 ? '' : 's'} and ${available} ${available === 1 ? 'is' : 'are'} free${why}`;
  return new UserError('GPU_SHORTAGE', message, {
    exitCode: EXIT.preflight,
    details: formatGpuShortage(shortage),
    hint: shortageHint(shortage, input),
  });
}

/** Replicas on one GPU at which those that take one each would fit; undefined where sharing does not help. */
function sharingThatHelps(
  { needed, available }: GpuShortage,
  { replicas, perGpu = 1 }: GiveGpusInput,
): number | undefined {
  const takers = replicas.filter(({ gpuCount }) => gpuCount > 0);
  if (takers.length < 2 || available === 0) return undefined;
  const most = Math.max(...takers.map(({ gpuCount }) => gpuCount));
  const enough = Math.ceil((needed * perGpu) / available);
  return most <= available && enough > perGpu && enough <= takers.length ? enough : undefined;
}

/** What would help, by name. */
function shortageHint(shortage: GpuShortage, input: GiveGpusInput): string {
  const { rows, projects } = shortage;
  const { replicas, restrictedBy = '--gpus' } = input;
  if (rows.length === 0)
    return '--mock runs the graph without a GPU; graphs of mockers need none: launch/mocker has four';
  const takers = replicas.filter(({ gpuCount }) => gpuCount > 0).map(({ component }) => component.name);
  const share = sharingThatHelps(shortage, input);
  const scalable = takers.find((name, at) => takers.indexOf(name) !== at);
  return [
    ...projects.map((project) => `dynamo down -p ${project}`),
    ...(scalable === undefined ? [] : [`--scale ${scalable}=1`]),
    ...(rows.some(({ heldBy }) => heldBy.startsWith('not in ')) ? [`another ${restrictedBy}`] : []),
    ...(share === undefined ? [] : [`--share-gpus${share === 2 ? '' : ` ${share}`}`]),
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
