import { Document, isScalar, Pair, Scalar, YAMLMap, YAMLSeq, type Node as YamlNode } from 'yaml';
import type { MapNode, Node } from '../model/node.ts';
import type { YamlNotes } from './yaml-notes.ts';

/** Lists of single words that people write on one line. */
const FLOW_KEYS: ReadonlySet<string> = new Set(['command']);
const FLOW_WIDTH = 100;

/**
 * Documents as YAML, separated by `---`, the same text for the same nodes. Strings that YAML 1.1 readers (kubectl) take for something
 * else, `yes` or `0x10`, are quoted too; several lines become a block. `heading` stands above everything.
 */
export function writeYaml(
  documents: readonly MapNode[],
  notes: YamlNotes = new Map(),
  heading: readonly string[] = [],
): string {
  const texts = documents.map((root) => {
    const document = new Document(toYaml(root, notes, ''), { version: '1.2', compat: 'yaml-1.1' });
    return document.toString({ lineWidth: 0, flowCollectionPadding: false });
  });
  return [...heading.map((line) => `# ${line}\n`), texts.join('---\n')].join('');
}

function toYaml(node: Node, notes: YamlNotes, key: string): YamlNode {
  const { above, beside } = notes.get(node) ?? {};
  const written = bareYaml(node, notes, key);
  if (above !== undefined) written.commentBefore = asComment(above);
  if (beside !== undefined) {
    // Behind an empty or flow collection and a scalar; a block has no line of its own, so it is said above.
    if (isScalar(written)) written.comment = ` ${beside}`;
    else written.commentBefore = asComment(above === undefined ? beside : `${above}\n${beside}`);
  }
  return written;
}

function bareYaml(node: Node, notes: YamlNotes, key: string): YamlNode {
  switch (node.kind) {
    case 'scalar':
      return new Scalar(node.value);
    case 'list': {
      const seq = new YAMLSeq();
      seq.items = node.items.map((item) => toYaml(item, notes, ''));
      seq.flow = FLOW_KEYS.has(key) && isShort(node.items);
      return seq;
    }
    case 'map': {
      const map = new YAMLMap();
      for (const [name, value] of node.fields) {
        const yaml = toYaml(value, notes, name);
        const label = new Scalar(name);
        // A comment above the value of a key belongs above the key.
        if (yaml.commentBefore) {
          label.commentBefore = yaml.commentBefore;
          yaml.commentBefore = null;
        }
        map.items.push(new Pair(label, yaml));
      }
      return map;
    }
  }
}

function isShort(items: readonly Node[]): boolean {
  const words = items.map((item) => (item.kind === 'scalar' ? String(item.value) : undefined));
  const plain = words.every((word) => word !== undefined && /^[\w./@%+:=-]+$/.test(word));
  return plain && words.join(', ').length <= FLOW_WIDTH;
}

function asComment(text: string): string {
  return text
    .split('\n')
    .map((line) => ` ${line}`)
    .join('\n');
}
