/** Runs the command line that it is given, and keeps what V8 has compiled by then for the next start of the program. */
import { renameSync, writeFileSync } from 'node:fs';
import { codeCache, runBundle } from '../bin/run-bundle.js';

const script = runBundle();
process.on('exit', () => {
  const unfinished = `${codeCache}-${process.pid}`;
  writeFileSync(unfinished, script.createCachedData());
  renameSync(unfinished, codeCache);
});
