import { existsSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { UserError } from '../model/diagnostic.ts';

/** How many directories above the script are shown to it when it is in no repository: `examples/backends/vllm/launch` needs four. */
const LEVELS_ABOVE = 4;

export interface ScriptTree {
  /** Absolute path of the script, its directory free of links. */
  readonly script: string;
  /** What the script may read, itself included. */
  readonly root: string;
  /** Where it starts: beside its `launch` directory, as the older scripts expect, else its own directory. */
  readonly cwd: string;
}

/** Finds the repository around a script, else a few directories above it, never a home directory or a root. Throws when there is no such file. */
export function findScriptTree(file: string): ScriptTree {
  const path = resolve(file);
  if (!existsSync(path) || !statSync(path).isFile()) {
    throw new UserError('SCRIPT_NOT_FOUND', `${file} is not a file`, { hint: 'give the path of a launch script' });
  }
  const beside = join(realpathSync(dirname(path)), basename(path));
  const target = realpathSync(beside);
  const root = treeRoot(dirname(beside));
  const script = isBelow(target, root) ? beside : target;
  const directory = dirname(script);
  const shown = script === beside ? root : treeRoot(directory);
  return {
    script,
    root: shown,
    cwd: basename(directory) === 'launch' && directory !== shown ? dirname(directory) : directory,
  };
}

function treeRoot(directory: string): string {
  const repository = ancestors(directory).find((above) => existsSync(join(above, '.git')));
  if (repository !== undefined && !isBroad(repository)) return repository;
  let root = directory;
  for (const above of ancestors(directory).slice(1, LEVELS_ABOVE + 1)) {
    if (isBroad(above)) break;
    root = above;
  }
  return root;
}

function ancestors(directory: string): readonly string[] {
  const above = dirname(directory);
  return above === directory ? [directory] : [directory, ...ancestors(above)];
}

/** Directories that hold everything of a machine or of a person. */
function isBroad(directory: string): boolean {
  return directory === homedir() || directory.split('/').length < 3;
}

export function isBelow(path: string, root: string): boolean {
  const way = relative(root, path);
  return way !== '' && !way.startsWith('..');
}
