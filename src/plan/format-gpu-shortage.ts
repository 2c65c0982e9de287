import { formatBytes } from '../model/quantity.ts';
import type { GpuShortage } from './allocate-gpus.ts';

function align(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>(
    (most, row) => row.map((cell, column) => Math.max(cell.length, most[column] ?? 0)),
    [],
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Need, have and held by, as a table for people. */
export function formatGpuShortage(shortage: GpuShortage): string {
  const need = shortage.need.map((request) => [request.replica, String(request.count)]);
  const have = shortage.rows.map(({ gpu, heldBy }) => [gpu.label, gpu.name, formatBytes(gpu.memoryTotalBytes), heldBy]);
  const tables = [align([['NEED', 'GPUS'], ...need])];
  tables.push(have.length > 0 ? align([['GPU', 'MODEL', 'MEMORY', 'HELD BY'], ...have]) : 'this machine has no GPU');
  return tables.join('\n\n');
}
