import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, describe, expect, test } from 'vitest';
import { readSource } from '../../../src/source/read-source.ts';

const folder = mkdtempSync(join(tmpdir(), 'dynamo-source-'));
const nothing = (): Readable => Readable.from([]);

function write(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

afterAll(() => rmSync(folder, { recursive: true }));

describe('a file', () => {
  test('is read whole, without its byte order mark', async () => {
    const path = write('a.yaml', '\uFEFFkind: X\nname: ä\n');
    expect(await readSource(path, nothing())).toEqual({ file: path, text: 'kind: X\nname: ä\n' });
  });

  test.each([
    ['FILE_NOT_FOUND', () => join(folder, 'none.yaml')],
    ['FILE_NOT_FOUND', () => join(write('file', 'x'), 'below')],
    ['FILE_IS_DIRECTORY', () => folder],
    ['FILE_EMPTY', () => write('empty.yaml', ' \n\n')],
    ['FILE_BINARY', () => write('a.bin', new Uint8Array([0x7f, 0x45, 0, 1]))],
    ['FILE_BINARY', () => write('latin1.yaml', new Uint8Array([0x61, 0xe4, 0x62]))],
    ['FILE_TOO_LARGE', () => write('large.yaml', 'x'.repeat(9 * 1024 * 1024))],
    ['FILE_TOO_LARGE', () => '/dev/zero'],
    ['FILE_UNREADABLE', () => join(folder, 'n'.repeat(300))],
  ])('is refused with %s and exit code 2', async (code, path) => {
    await expect(readSource(path(), nothing())).rejects.toMatchObject({ name: 'UserError', code, exitCode: 2 });
  });
});

describe('stdin', () => {
  test('is read for -', async () => {
    const stdin = Readable.from([Buffer.from('a: 1'), Buffer.from('\n')]);
    expect(await readSource('-', stdin)).toEqual({ file: '<stdin>', text: 'a: 1\n' });
  });

  test('may split a character between two chunks', async () => {
    const bytes = Buffer.from('a: ü');
    const stdin = Readable.from([bytes.subarray(0, 4), bytes.subarray(4)]);
    expect((await readSource('-', stdin)).text).toBe('a: ü');
  });

  test('that says nothing is refused', async () => {
    await expect(readSource('-', nothing())).rejects.toMatchObject({ code: 'FILE_EMPTY', exitCode: 2 });
  });

  test('that never ends stops at the limit', async () => {
    const endless = new Readable({ read: () => endless.push('x'.repeat(65_536)) });
    await expect(readSource('-', endless)).rejects.toMatchObject({ code: 'FILE_TOO_LARGE' });
  });

  test('that stays silent ends with the signal', async () => {
    const silent = new Readable({ read: () => undefined });
    const interrupt = new AbortController();
    const reading = readSource('-', silent, interrupt.signal);
    interrupt.abort(new Error('interrupted'));
    await expect(reading).rejects.toThrow('interrupted');
  });
});
