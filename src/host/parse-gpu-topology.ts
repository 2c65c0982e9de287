import type { GpuTopology } from '../model/host-inventory.ts';

/** The header underlines its words. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are made of them
const STYLE = /\u001b\[[\d;]*m/g;

/**
 * Reads the matrix of `nvidia-smi topo -m`: a header of tab-separated columns, a row per GPU with its links, then rows of NICs and a
 * legend. A GPU that is lost has no row; text that is no matrix gives an empty topology.
 */
export function parseGpuTopology(text: string): GpuTopology {
  const lines = text.replace(STYLE, '').split('\n');
  const header = lines.findIndex((line) => /^\s*GPU\d+\b/.test(line) && !/\bX\b/.test(line));
  const columns = (lines[header] ?? '').split('\t').map((cell) => cell.trim());
  const topology = new Map<number, ReadonlyMap<number, string>>();
  for (const line of lines.slice(header + 1)) {
    const [name = '', ...cells] = line.split('\t').map((cell) => cell.trim());
    const from = /^GPU(\d+)$/.exec(name)?.[1];
    if (from === undefined) continue;
    const links = new Map<number, string>();
    for (const [position, cell] of cells.entries()) {
      // The header has an empty column above the names of the rows, or none.
      const to = /^GPU(\d+)$/.exec(columns[columns[0] === '' ? position + 1 : position] ?? '')?.[1];
      if (to !== undefined && cell !== 'X' && cell !== '') links.set(Number(to), cell);
    }
    topology.set(Number(from), links);
  }
  return topology;
}
