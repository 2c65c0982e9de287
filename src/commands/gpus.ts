import { type Command, Option } from 'commander';
import { EXIT, UserError } from '../model/diagnostic.ts';
import { type GpuDevice, listDevices } from '../model/gpu-device.ts';
import type { GpuHold, GpuProcess } from '../model/host-inventory.ts';
import { formatBytes } from '../model/quantity.ts';
import { connectAll } from './connect-project.ts';
import { type Io, print, printJson, say, terminalColumns } from './io.ts';
import { nameOf } from './run-plan.ts';

interface GpusFlags {
  readonly format: string;
}

const SLICE_HINT = 'nvidia-smi mig -cgi PROFILE -C makes some, nvidia-smi -mig 0 ends the mode';

/** One GPU as `gpus` shows it; the JSON form is stable. Bytes. `processes` are those of nobody's replica. */
interface GpuRow {
  readonly index: number;
  readonly uuid: string;
  /** The profile of a MIG slice, which has a row of its own; undefined for a whole GPU. */
  readonly migProfile: string | undefined;
  readonly model: string;
  readonly memoryTotalBytes: number;
  readonly memoryFreeBytes: number;
  readonly heldBy: readonly { readonly project: string; readonly replica: string }[];
  readonly processes: readonly GpuProcess[];
}

/** `dynamo gpus`: every GPU of this machine and who has it. */
export function registerGpus(program: Command, io: Io): void {
  program
    .command('gpus')
    .description('list the GPUs of this machine and who holds them')
    .addOption(new Option('--format <format>').choices(['table', 'json']).default('table'))
    .action((flags: GpusFlags) => showGpus(flags, io));
}

/** GPUs that running replicas of any project hold, by the labels of their containers. Without an engine nobody holds any. */
async function readHolds(io: Io): Promise<readonly GpuHold[]> {
  try {
    const found = await Promise.all((await connectAll(io)).map((runtime) => runtime.observeAll(io.interrupted)));
    const running = found.flat().filter(({ status }) => status === 'running');
    return running.flatMap((container) =>
      container.gpus.map((uuid) => ({ uuid, project: container.project, replica: nameOf(container) })),
    );
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    say(io, `notice ${error.code}: ${error.message}: which project holds a GPU is not known`);
    return [];
  }
}

async function foreignProcesses({ processes }: GpuDevice): Promise<readonly GpuProcess[]> {
  const { ownerOfProcess } = await import('../host/owner-of-process.ts');
  const owners = await Promise.all(processes.map(({ pid }) => ownerOfProcess(pid)));
  return processes.filter((_, index) => owners[index] === 'other');
}

/** What runs in containers on a GPU that a replica holds is taken for the replica's own. */
async function gpuRow(gpu: GpuDevice, holds: readonly GpuHold[]): Promise<GpuRow> {
  const mine = holds.filter(({ uuid }) => uuid === gpu.uuid);
  return {
    index: gpu.index,
    uuid: gpu.uuid,
    migProfile: gpu.profile,
    model: gpu.name,
    memoryTotalBytes: gpu.memoryTotalBytes,
    memoryFreeBytes: gpu.memoryFreeBytes,
    heldBy: mine.map(({ project, replica }) => ({ project, replica })),
    processes: mine.length === 0 ? gpu.processes : await foreignProcesses(gpu),
  };
}

function describeHolders({ heldBy, processes }: GpuRow): string {
  const replicas = heldBy.map(({ project, replica }) => `project ${project} (${replica})`);
  const foreign = processes.map(
    ({ pid, name, memoryBytes }) => `process ${pid} (${name}, ${formatBytes(memoryBytes)})`,
  );
  return [...replicas, ...foreign].join(', ') || '-';
}

async function showGpus(flags: GpusFlags, io: Io): Promise<void> {
  const { readGpuInventory } = await import('../host/read-gpu-inventory.ts');
  const [inventory, holds] = await Promise.all([readGpuInventory(io.env, io.interrupted), readHolds(io)]);
  if (inventory.gpus.length === 0) {
    throw new UserError('NO_GPU', inventory.problem ?? 'this machine has no GPU', {
      exitCode: EXIT.preflight,
      hint: 'graphs of mockers need none: launch/mocker has four',
    });
  }
  const devices = listDevices(inventory.gpus);
  const rows = await Promise.all(devices.map((device) => gpuRow(device, holds)));
  for (const { index, slices } of inventory.gpus) {
    if (slices?.length !== 0) continue;
    say(io, `warning GPU_UNSLICED: GPU ${index} is in MIG mode without slices: nobody can use it (${SLICE_HINT})`);
  }
  if (inventory.problem !== undefined) say(io, `warning GPU_PROBLEM: ${inventory.problem}`);
  if (flags.format === 'json') return printJson(io, rows);
  const { formatTable } = await import('../ui/table.ts');
  print(
    io,
    formatTable(
      ['GPU', 'MODEL', 'FREE', 'TOTAL', 'HELD BY', 'UUID'],
      rows.map((row, at) => [
        devices[at]?.label ?? String(row.index),
        row.model,
        formatBytes(row.memoryFreeBytes),
        formatBytes(row.memoryTotalBytes),
        describeHolders(row),
        row.uuid,
      ]),
      { columns: terminalColumns(io), lessImportant: ['UUID', 'TOTAL'] },
    ),
  );
}
