import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { LogOptions } from '../../src/model/runtime.ts';
import { LogFile } from '../../src/runtime/process/log-file.ts';
import { readLogs } from '../../src/runtime/process/read-logs.ts';

const never = new AbortController().signal;

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'dynamo-log-'));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function read(folder: string, options: LogOptions): Promise<string[]> {
  const input = { folder, name: 'x', isWritten: async () => true };
  const lines: string[] = [];
  for await (const { line } of readLogs(input, options, never)) lines.push(line);
  return lines;
}

test('a log is turned over: three files at most, read in order, the newest lines always there', () =>
  withFolder(async (folder) => {
    let time = 0;
    const log = new LogFile(folder, { now: () => (time += 1), maxBytes: 1000 });
    log.start();
    const { push, end } = log.writer('stdout');
    for (let i = 0; i < 300; i += 1) push(Buffer.from(`line ${i}\n`));
    push(Buffer.from('last'));
    end();
    log.end(0);
    log.close();
    expect((await readdir(folder)).toSorted()).toEqual(['log', 'log.1', 'log.2']);
    const lines = await read(folder, { follow: true });
    const first = Number(lines[0]?.slice(5));
    expect(first).toBeGreaterThan(100);
    expect(lines).toEqual([...Array.from({ length: 300 - first }, (_, at) => `line ${first + at}`), 'last']);
    expect(await read(folder, { follow: false, tail: 80 })).toEqual(lines.slice(-80));
  }));

test('who follows loses nothing while it is turned over', () =>
  withFolder(async (folder) => {
    const log = new LogFile(folder, { now: () => Date.now(), maxBytes: 2000 });
    log.start();
    const { push, end } = log.writer('stderr');
    const reading = read(folder, { follow: true });
    for (let i = 0; i < 400; i += 1) {
      push(Buffer.from(`line ${i}\n`));
      if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    end();
    log.end(3);
    log.close();
    expect(await reading).toEqual(Array.from({ length: 400 }, (_, at) => `line ${at}`));
  }));

test('a log that nobody writes any more ends', () =>
  withFolder(async (folder) => {
    const log = new LogFile(folder, { now: () => Date.now() });
    log.start();
    log.writer('stdout').push(Buffer.from('only\n'));
    const lines: string[] = [];
    const input = { folder, name: 'x', isWritten: async () => false };
    for await (const { line } of readLogs(input, { follow: true }, never)) lines.push(line);
    expect(lines).toEqual(['only']);
    log.close();
  }));
