import { homedir } from 'node:os';
import { resolve } from 'node:path';

/** An absolute path; `~/` is the caller's home, which no shell expands behind a `=`. */
export function expandHome(path: string, env: Readonly<Record<string, string | undefined>>): string {
  return resolve(path.replace(/^~(?=\/|$)/, () => env.HOME ?? homedir()));
}
