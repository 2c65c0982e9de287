import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

const bundle = fileURLToPath(new URL('../dist/cli.cjs', import.meta.url));

/** What scripts/build.mjs has kept of the compiled program: to compile it anew takes twice as long as to run it. */
export const codeCache = `${bundle}.cache`;

function readCache() {
  try {
    return readFileSync(codeCache);
  } catch {
    return undefined;
  }
}

/** Runs the bundle that scripts/build.mjs makes. A cache of another Node version is refused by V8, and compiled instead. */
export function runBundle() {
  // The bundle is ASCII: read as latin1, V8 keeps one byte a character.
  const text = readFileSync(bundle, 'latin1');
  const script = new Script(`(function (exports, require, module, __filename, __dirname) {${text}\n})`, {
    filename: bundle,
    cachedData: readCache(),
  });
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(bundle), module, bundle, dirname(bundle));
  return script;
}
