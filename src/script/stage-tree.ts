import { chmodSync, copyFileSync, lstatSync, mkdirSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { ScriptTree } from './script-tree.ts';

/** Larger files are weights, not configuration. */
const FILE_BYTES = 4 * 1024 * 1024;
const FILES = 4_000;
const LEFT_OUT: readonly string[] = ['.git', 'node_modules', 'target', '.venv', 'venv', '__pycache__'];

/**
 * Copies the script's tree to `target`, what stands nearest to the script first, up to `limitBytes` and 4000 files, writable for everyone.
 * Returns how many entries were left out.
 */
export function stageTree(tree: ScriptTree, target: string, limitBytes: number): number {
  let bytes = 0;
  let files = 0;
  let leftOut = 0;
  const done = new Set<string>();
  const copy = (path: string): void => {
    if (done.has(path)) return;
    done.add(path);
    const stat = lstatSync(path);
    const to = join(target, relative(tree.root, path));
    if (stat.isDirectory()) {
      mkdirSync(to, { recursive: true, mode: 0o777 });
      chmodSync(to, 0o777);
      for (const name of readdirSync(path).sort()) if (!LEFT_OUT.includes(name)) copy(join(path, name));
      return;
    }
    const fits = stat.size <= FILE_BYTES && bytes + stat.size <= limitBytes && files < FILES;
    if (!fits || !(stat.isFile() || stat.isSymbolicLink())) {
      leftOut += 1;
      return;
    }
    files += 1;
    mkdirSync(dirname(to), { recursive: true, mode: 0o777 });
    if (stat.isSymbolicLink()) {
      symlinkSync(readlinkSync(path), to);
      return;
    }
    bytes += stat.size;
    copyFileSync(path, to);
    chmodSync(to, stat.mode & 0o111 ? 0o777 : 0o666);
  };
  for (let here = dirname(tree.script); ; here = dirname(here)) {
    copy(here);
    if (here === tree.root || here === dirname(here)) return leftOut;
  }
}
