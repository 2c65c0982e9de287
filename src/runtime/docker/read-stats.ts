import type Docker from 'dockerode';
import type { ContainerStats } from '../../model/runtime.ts';
import { callEngine, isConflict, isNotFound } from './engine-errors.ts';

/** Fields of the engine's answer that count here; those of another cgroup version are missing. */
interface Sample {
  readonly read: string;
  readonly preread: string;
  readonly cpu_stats: { readonly cpu_usage: { readonly total_usage?: number } };
  readonly precpu_stats: { readonly cpu_usage: { readonly total_usage?: number } };
  readonly memory_stats: {
    readonly usage?: number;
    readonly stats?: { readonly total_inactive_file?: number; readonly inactive_file?: number };
  };
}

/** Cores in use between the engine's two samples, and memory without the page cache that can be dropped, as `docker stats` counts it. */
export function parseStats(name: string, sample: Sample): ContainerStats {
  const before = sample.precpu_stats.cpu_usage.total_usage ?? 0;
  const cpuNanos = (sample.cpu_stats.cpu_usage.total_usage ?? 0) - before;
  const wallMs = Date.parse(sample.read) - Date.parse(sample.preread);
  const { usage = 0, stats = {} } = sample.memory_stats;
  const cached = stats.total_inactive_file ?? stats.inactive_file ?? 0;
  return {
    name,
    cpus: before > 0 && wallMs > 0 ? Math.max(0, cpuNanos / 1e6 / wallMs) : 0,
    memoryBytes: Math.max(0, usage - cached),
  };
}

/** Use of each running container now (one to two seconds: the engine takes two samples); those that are gone are left out. */
export async function readStats(
  docker: Docker,
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly ContainerStats[]> {
  const found = await Promise.all(
    names.map((name) =>
      callEngine({ what: `stats of ${name}`, signal }, async (): Promise<ContainerStats | undefined> => {
        const options = { stream: false as const, abortSignal: signal };
        try {
          const sample = await docker.getContainer(name).stats(options);
          // The engine answers for a stopped container too, with the year 1.
          return Date.parse(sample.read) > 0 ? parseStats(name, sample) : undefined;
        } catch (error) {
          if (isNotFound(error) || isConflict(error)) return undefined;
          throw error;
        }
      }),
    ),
  );
  return found.flatMap((stats) => (stats ? [stats] : []));
}
