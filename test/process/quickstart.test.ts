import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { quickstart } from '../support/run-quickstart.ts';
import { NO_PYTHON_PATH, PYTHON } from './support/machine.ts';

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
