import type { Graph } from '../model/graph.ts';
import { itemsAt, type Node } from '../model/node.ts';
import type { ValueNotes, YamlNotes } from './yaml-notes.ts';

/** `agg.sh:12` above what comes from that line of a launch script: components, and containers that come from another line. */
export function lineNotes(graph: Graph, linesOf: (component: string) => readonly number[]): YamlNotes {
  const notes = new Map<Node, ValueNotes>();
  for (const { name, written } of graph.components) {
    const place = placeOf(written);
    if (place === undefined) continue;
    const lines = linesOf(name);
    const all = [...new Set(lines.length === 0 ? [place.line] : lines)];
    notes.set(written, { above: `${place.file}:${all.join(', ')}` });
    for (const container of [
      ...itemsAt(written, 'podTemplate', 'spec', 'initContainers'),
      ...itemsAt(written, 'podTemplate', 'spec', 'containers'),
    ]) {
      const own = placeOf(container);
      if (own !== undefined && (own.file !== place.file || own.line !== place.line))
        notes.set(container, { above: `${own.file}:${own.line}` });
    }
  }
  return notes;
}

function placeOf(node: Node): { readonly file: string; readonly line: number } | undefined {
  if (node.origin.kind !== 'file') return undefined;
  const { file, line } = node.origin.at;
  return { file: file.split('/').at(-1) ?? file, line };
}
