import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface FakeGpus extends AsyncDisposable {
  /** The folder to put first on PATH. */
  readonly folder: string;
  readonly uuids: readonly string[];
}

export function gpuUuid(index: number): string {
  return `GPU-${String(index).repeat(8)}-0000-4000-8000-000000000000`;
}

/** A process on a GPU, as `nvidia-smi` would list it. */
export interface FakeProcess {
  readonly uuid: string;
  readonly pid: number;
  readonly name: string;
  readonly usedMib: number;
}

/** Of a GPU: the profiles of its slices, which put it into MIG mode, and its compute mode. */
export interface FakeModes {
  readonly slices?: readonly string[];
  readonly computeMode?: string;
}

export function migUuid(index: number, slice: number): string {
  return `MIG-${String(index).repeat(8)}-0000-4000-8000-00000000000${slice}`;
}

/** An `nvidia-smi` that lists so many 80 GB GPUs and what runs on them; `modes` by index. */
export async function installFakeNvidiaSmi(
  count: number,
  processes: readonly FakeProcess[] = [],
  modes: Readonly<Record<number, FakeModes>> = {},
): Promise<FakeGpus> {
  const folder = await mkdtemp(join(tmpdir(), 'dynamo-smi-'));
  const uuids = Array.from({ length: count }, (_, index) => gpuUuid(index));
  const script = `#!/bin/sh
# Answers a query with the columns in the order in which they are asked for, as the real program does.
columns() {
  list=$1; shift
  line=
  IFS=,
  for column in $list; do
    case $column in
      index) value=$INDEX ;; uuid|gpu_uuid) value=$UUID ;; name) value="NVIDIA H100 80GB HBM3" ;;
      memory.total) value=81559 ;; memory.free) value=81000 ;; driver_version) value=550.54.15 ;;
      compute_mode) value=$COMPUTE ;; mig.mode.current) value=$MIG ;; persistence_mode) value=Enabled ;;
      pid) value=$PID ;; process_name) value=$NAME ;; used_memory|used_gpu_memory) value=$USED ;;
      *) value="[N/A]" ;;
    esac
    line="$line\${line:+, }$value"
  done
  unset IFS
  printf '%s\\n' "$line"
}
for word; do
  case $word in
    -L)
      cat <<'EOF'
${listOf(uuids, modes)}
EOF
      ;;
    --query-gpu=*)
${uuids.map((uuid, index) => `      INDEX=${index} UUID=${uuid} COMPUTE=${modes[index]?.computeMode ?? 'Default'} MIG=${modes[index]?.slices ? 'Enabled' : 'Disabled'} columns "\${word#*=}"`).join('\n')}
      ;;
    --query-compute-apps=*)
${processes.map(({ uuid, pid, name, usedMib }) => `      UUID=${uuid} PID=${pid} NAME=${name} USED=${usedMib} columns "\${word#*=}"`).join('\n')}
      ;;
  esac
done
`;
  const path = join(folder, 'nvidia-smi');
  await writeFile(path, script);
  await chmod(path, 0o755);
  return { folder, uuids, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

function listOf(uuids: readonly string[], modes: Readonly<Record<number, FakeModes>>): string {
  return uuids
    .flatMap((uuid, index) => [
      `GPU ${index}: NVIDIA H100 80GB HBM3 (UUID: ${uuid})`,
      ...(modes[index]?.slices ?? []).map(
        (profile, slice) => `  MIG ${profile}     Device  ${slice}: (UUID: ${migUuid(index, slice)})`,
      ),
    ])
    .join('\n');
}
