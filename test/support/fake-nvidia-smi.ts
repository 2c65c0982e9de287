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

/** An `nvidia-smi` that lists so many 80 GB GPUs; `processes` are lines of --query-compute-apps. */
export async function installFakeNvidiaSmi(count: number, processes: readonly string[] = []): Promise<FakeGpus> {
  const folder = await mkdtemp(join(tmpdir(), 'dynamo-smi-'));
  const uuids = Array.from({ length: count }, (_, index) => gpuUuid(index));
  const gpus = uuids.map((uuid, index) => `${index}, ${uuid}, NVIDIA H100 80GB HBM3, 81559, 81000, 550.54.15`);
  const script = `#!/bin/sh
case "$*" in
*--query-gpu*) cat <<'END'
${gpus.join('\n')}
END
;;
*--query-compute-apps*) cat <<'END'
${processes.join('\n')}
END
;;
*) exit 9 ;;
esac
`;
  const path = join(folder, 'nvidia-smi');
  await writeFile(path, script);
  await chmod(path, 0o755);
  return { folder, uuids, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}
