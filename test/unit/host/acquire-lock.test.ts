import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { acquireLock } from '../../../src/host/acquire-lock.ts';
import { lockAddress } from '../../../src/host/lock-address.ts';
import type { Clock } from '../../../src/model/clock.ts';

const { signal } = new AbortController();
const clock: Clock = { now: () => Date.now(), sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) };
const children: ChildProcess[] = [];
let names = 0;
const freshName = () => `test/${process.pid}/${Date.now()}/${names++}`;

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** Another process that holds the lock until it is killed. */
async function holdElsewhere(name: string, platform: NodeJS.Platform): Promise<ChildProcess> {
  const module = fileURLToPath(new URL('../../../src/host/acquire-lock.ts', import.meta.url));
  const script = `const { acquireLock } = await import(${JSON.stringify(module)});
    await acquireLock({ name: ${JSON.stringify(name)}, holder: 'dynamo up agg.yaml', clock: {}, wait: false, platform: '${platform}' }, new AbortController().signal);
    console.log('held'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    cwd: fileURLToPath(new URL('../../../', import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  await once(child.stdout, 'data');
  return child;
}

describe.each(['linux', 'darwin'] as const)('a lock as made on %s', (platform) => {
  test('is held once, and free after its holder lets go', async () => {
    const name = freshName();
    const lock = await acquireLock({ name, holder: 'first', clock, wait: false, platform }, signal);
    await expect(acquireLock({ name, holder: 'second', clock, wait: false, platform }, signal)).rejects.toMatchObject({
      code: 'LOCKED',
      exitCode: 3,
      message: expect.stringContaining('first'),
    });
    await lock[Symbol.asyncDispose]();
    const again = await acquireLock({ name, holder: 'second', clock, wait: false, platform }, signal);
    await again[Symbol.asyncDispose]();
  });

  test('says who holds it to whoever waits, once, and then passes on', async () => {
    const name = freshName();
    const lock = await acquireLock({ name, holder: 'dynamo down', clock, wait: false, platform }, signal);
    const seen: string[] = [];
    const waiting = acquireLock(
      { name, holder: 'x', clock, wait: true, platform, onWait: (holder) => seen.push(holder) },
      signal,
    );
    await expect.poll(() => seen).toEqual(['dynamo down']);
    await lock[Symbol.asyncDispose]();
    await (await waiting)[Symbol.asyncDispose]();
    expect(seen).toHaveLength(1);
  });

  test('is free at once when its holder is killed', async () => {
    const name = freshName();
    const child = await holdElsewhere(name, platform);
    const seen: string[] = [];
    const waiting = acquireLock(
      { name, holder: 'next', clock, wait: true, platform, onWait: (holder) => seen.push(holder) },
      signal,
    );
    await expect.poll(() => seen).toEqual(['dynamo up agg.yaml']);
    const killedAt = performance.now();
    child.kill('SIGKILL');
    await (await waiting)[Symbol.asyncDispose]();
    expect(performance.now() - killedAt).toBeLessThan(500);
  });
});

test('waiting ends when it is told to', async () => {
  const name = freshName();
  await using _lock = await acquireLock({ name, holder: 'first', clock, wait: false }, signal);
  const stop = new AbortController();
  const waiting = acquireLock(
    { name, holder: 'second', clock, wait: true, onWait: () => stop.abort(new Error('enough')) },
    stop.signal,
  );
  await expect(waiting).rejects.toThrow('enough');
});

test('many who wait get it one after another', async () => {
  const name = freshName();
  let inside = 0;
  let most = 0;
  const work = async () => {
    await using _lock = await acquireLock({ name, holder: 'work', clock, wait: true }, signal);
    inside += 1;
    most = Math.max(most, inside);
    await new Promise((resolve) => setTimeout(resolve, 5));
    inside -= 1;
  };
  await Promise.all(Array.from({ length: 8 }, work));
  expect({ inside, most }).toEqual({ inside: 0, most: 1 });
});

test('the address on Linux is abstract and as long as an address can be', () => {
  const address = lockAddress('0/unix:///var/run/docker.sock/project/agg', 'linux');
  expect(Buffer.byteLength(address)).toBe(108);
  expect(address.startsWith('\0dynamo-lock-')).toBe(true);
  expect(existsSync(lockAddress('x', 'darwin'))).toBe(false);
});

test('a lock of the machine is one for all users, another is not', async () => {
  const name = freshName();
  const options = { name, holder: 'h', clock, wait: false };
  await using _all = await acquireLock({ ...options, ofMachine: true }, signal);
  await expect(acquireLock({ ...options, ofMachine: true }, signal)).rejects.toMatchObject({ code: 'LOCKED' });
  await using _own = await acquireLock(options, signal);
});
