import { posix } from 'node:path';
import type { Graph } from '../model/graph.ts';
import { at, itemsAt, type MapNode, mapAt, stringAt } from '../model/node.ts';
import { quoteWord } from '../script/shell-quote.ts';
import { SCRIPT_DIR, scriptWord } from './script-words.ts';

/** A file or directory of a ConfigMap in a container, and where the script writes it. */
interface FilePlace {
  readonly inContainer: string;
  readonly onHost: string;
}

export interface ScriptFiles {
  /** What a text of this pod says once the files stand where the script writes them. */
  readonly rewrite: (podSpec: MapNode | undefined, container: MapNode, text: string) => string;
  /** The lines that write them; empty where the graph has none. */
  readonly lines: () => readonly string[];
}

/**
 * ConfigMaps of the graph as files that the script writes: beside itself, those that the graph has in /tmp there (what a recording of the
 * script finds again). Only what a container mounts is written.
 */
export function scriptFiles(graph: Graph): ScriptFiles {
  const written = new Map<string, string>();
  const place = (podSpec: MapNode | undefined, container: MapNode): readonly FilePlace[] =>
    itemsAt(container, 'volumeMounts').flatMap((mount) => {
      const volume = itemsAt(podSpec, 'volumes').find((one) => stringAt(one, 'name') === stringAt(mount, 'name'));
      const name = stringAt(volume, 'configMap', 'name');
      const path = stringAt(mount, 'mountPath');
      const data = mapAt(graph.companions.configMaps.get(name ?? ''), 'data');
      if (name === undefined || path === undefined || data === undefined) return [];
      const subPath = stringAt(mount, 'subPath');
      const files = filesOf(data, mapAt(volume, 'configMap'));
      if (subPath === undefined) {
        const onHost = path.startsWith('/tmp/') ? path : `${SCRIPT_DIR}/${name}`;
        for (const [file, content] of files) written.set(`${onHost}/${file}`, content);
        return [{ inContainer: path, onHost }];
      }
      const content = files.get(subPath);
      if (content === undefined) return [];
      const wanted = path.startsWith('/tmp/') ? path : `${SCRIPT_DIR}/${subPath}`;
      // Containers may have other files at one path; the host has one.
      const onHost = (written.get(wanted) ?? content) === content ? wanted : `${SCRIPT_DIR}/${subPath}`;
      written.set(onHost, content);
      return [{ inContainer: path, onHost }];
    });
  return {
    rewrite: (podSpec, container, text) =>
      place(podSpec, container)
        .toSorted((a, b) => b.inContainer.length - a.inContainer.length)
        .reduce((result, { inContainer, onHost }) => result.replaceAll(inContainer, onHost), text),
    lines: () => linesOf(written),
  };
}

/** By path below the mount: `items` choose and rename. */
function filesOf(data: MapNode, source: MapNode | undefined): ReadonlyMap<string, string> {
  const items = itemsAt(source, 'items');
  const chosen =
    items.length === 0
      ? [...data.fields.keys()].map((key) => [key, key] as const)
      : items.map((item) => [stringAt(item, 'path') ?? '', stringAt(item, 'key') ?? ''] as const);
  return new Map(
    chosen.flatMap(([path, key]) => {
      const value = at(data, key);
      return value?.kind === 'scalar' ? [[path, String(value.value)] as const] : [];
    }),
  );
}

function linesOf(written: ReadonlyMap<string, string>): readonly string[] {
  const folders = [...new Set([...written.keys()].map((path) => posix.dirname(path)))].filter(
    (folder) => folder !== SCRIPT_DIR && folder !== '/tmp',
  );
  const made = folders.length === 0 ? [] : [`mkdir -p ${folders.map(scriptWord).join(' ')}`];
  return [...made, ...[...written].map(([path, content]) => writeLine(scriptWord(path), content))];
}

/** A heredoc ends with a line break: what does not is printed. */
function writeLine(path: string, content: string): string {
  if (!content.endsWith('\n')) return `printf %s ${content === '' ? "''" : quoteWord(content)} > ${path}`;
  const lines = content.split('\n');
  let end = 'EOF';
  while (lines.includes(end)) end = `${end}_`;
  return `cat > ${path} <<'${end}'\n${content}${end}`;
}
