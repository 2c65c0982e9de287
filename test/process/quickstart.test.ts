import { spawn } from 'node:child_process';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { NO_PYTHON_PATH, PYTHON } from './support/machine.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** `nobody` of Debian and most others. */
const NOBODY = 65_534;

interface Ended {
  readonly code: number | null;
  readonly said: string;
}

function quickstart(env: Readonly<Record<string, string>>, user: { uid?: number; gid?: number } = {}): Promise<Ended> {
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

test('without an engine and not as root, the quickstart streams an answer of processes, and says why', async () => {
  const home = await mkdtemp(join(tmpdir(), 'dynamo-home-'));
  const root = process.getuid?.() === 0;
  try {
    if (root) await chown(home, NOBODY, NOBODY);
    const env = { HOME: home, PATH: process.env.PATH ?? '', TMPDIR: home, ...pipSettings() };
    const { code, said } = await quickstart(env, root ? { uid: NOBODY, gid: NOBODY } : {});
    expect([code, said]).toEqual([0, expect.stringContaining('runtime process')]);
    expect(said).toContain('A Docker Engine is needed');
    expect(said).toMatch(/project quickstart is down/);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});

/** How pip gets out of this machine, where it needs to be told. */
function pipSettings(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]): [string, string][] =>
      value !== undefined && /^(?:PIP_|SSL_CERT_|REQUESTS_CA_|https?_proxy|HTTPS?_PROXY|NO_PROXY|no_proxy)/.test(name)
        ? [[name, value]]
        : [],
    ),
  );
}

test('inside an environment that has Dynamo nothing is installed for it', async () => {
  const home = await mkdtemp(join(tmpdir(), 'dynamo-home-'));
  try {
    const env = { HOME: home, PATH: process.env.PATH ?? '', VIRTUAL_ENV: join(PYTHON, '../..') };
    const { code, said } = await quickstart(env);
    expect([code, said]).toEqual([0, expect.not.stringContaining('installing ai-dynamo')]);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});

test('without Python either it says what to install, and ends with 3', async () => {
  const home = await mkdtemp(join(tmpdir(), 'dynamo-home-'));
  try {
    const { code, said } = await quickstart({ HOME: home, PATH: NO_PYTHON_PATH });
    expect([code, said]).toEqual([3, expect.stringContaining('apt-get install python3-venv')]);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});
