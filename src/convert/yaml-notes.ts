import type { Node } from '../model/node.ts';

/** Comments of one value: lines that stand above it, and one that stands on its own line behind it. */
export interface ValueNotes {
  readonly above?: string;
  readonly beside?: string;
}

/** Comments by the node they are about. A node that a conversion has replaced carries none: notes are made of what is written. */
export type YamlNotes = ReadonlyMap<Node, ValueNotes>;
