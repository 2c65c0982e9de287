import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { quickstart } from '../support/run-quickstart.ts';

/** `nobody` of Debian and most others. */
const NOBODY = 65_534;

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
