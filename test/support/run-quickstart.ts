import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly said: string;
}

/** `npm run quickstart` where no engine can be had, with nothing of the caller's environment but what is given. */
export function quickstart(
  env: Readonly<Record<string, string>>,
  user: { uid?: number; gid?: number } = {},
): Promise<Ended> {
  const child = spawn(join(ROOT, 'scripts/quickstart'), {
    cwd: ROOT,
    env: { DYNAMO_NO_INSTALL: '1', DOCKER_HOST: 'unix:///no/such/docker.sock', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...user,
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      said += String(chunk);
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, said }));
  });
}
