import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FrameSplitter, MessageJoiner, parseStamp } from '../../../../src/runtime/docker/log-lines.ts';
import { LineSplitter, MAX_LINE } from '../../../../src/runtime/line-splitter.ts';

/** Cuts a buffer at the given places. */
function cut(whole: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [...new Set(places.map((place) => place % (whole.length + 1)))].toSorted((a, b) => a - b);
  return [0, ...sorted].map((from, index) => whole.subarray(from, sorted[index] ?? whole.length));
}

function splitLines(chunks: readonly Buffer[]): string[] {
  const splitter = new LineSplitter();
  return [...chunks.flatMap((chunk) => splitter.push(chunk)), ...splitter.end()];
}

const lineText = fc.string({ unit: 'binary' }).map((text) => text.replace(/[\r\n]/g, ''));
const places = fc.array(fc.nat(2000), { maxLength: 20 });

describe('LineSplitter', () => {
  test('gives the same lines wherever the chunks are cut', () => {
    fc.assert(
      fc.property(fc.array(lineText), places, fc.constantFrom('\n', '\r\n'), (lines, at, ending) => {
        const whole = Buffer.from(lines.map((line) => line + ending).join(''));
        // What is no valid Unicode text is replaced when it is written.
        const expected = lines.map((line) => Buffer.from(line).toString());
        expect(splitLines(cut(whole, at))).toEqual(expected);
      }),
    );
  });

  test.each([
    ['a\nb', ['a', 'b']],
    ['a\n', ['a']],
    ['', []],
    ['\n\n', ['', '']],
    ['a\r\nb\r', ['a', 'b']],
    ['a\rb\n', ['a\rb']],
  ])('%j is %j', (text, lines) => {
    expect(splitLines([Buffer.from(text)])).toEqual(lines);
  });

  test('a line without end is cut, and nothing of it is lost', () => {
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const lines = splitLines(Array.from({ length: 20 }, () => chunk));
    expect(lines.length).toBeGreaterThan(1);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(MAX_LINE + chunk.length);
    expect(lines.join('').length).toBe(20 * chunk.length);
  });
});

function frame(stream: 'stdout' | 'stderr', payload: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header[0] = stream === 'stderr' ? 2 : 1;
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

describe('FrameSplitter', () => {
  test('gives the same frames wherever the chunks are cut', () => {
    const someFrame = fc.record({ stream: fc.constantFrom('stdout' as const, 'stderr' as const), text: fc.string() });
    fc.assert(
      fc.property(fc.array(someFrame), places, (frames, at) => {
        const splitter = new FrameSplitter();
        const whole = Buffer.concat(frames.map(({ stream, text }) => frame(stream, Buffer.from(text))));
        const found = cut(whole, at).flatMap((chunk) => splitter.push(chunk));
        expect(found.map(({ stream, payload }) => ({ stream, text: payload.toString() }))).toEqual(frames);
      }),
    );
  });
});

describe('parseStamp', () => {
  test.each([
    ['2026-11-24T14:00:00.5Z hello', Date.UTC(2026, 10, 24, 14, 0, 0, 500), 'hello'],
    ['2026-11-24T14:00:00Z ', Date.UTC(2026, 10, 24, 14), ''],
    ['2026-11-24T14:00:00.000000000+02:00 x', Date.UTC(2026, 10, 24, 12), 'x'],
    ['no time', undefined, 'no time'],
    ['2026-11-24T14:00:00.5Zhello', undefined, '2026-11-24T14:00:00.5Zhello'],
  ])('%j', (text, at, rest) => {
    const parsed = parseStamp(Buffer.from(text));
    expect([parsed.at, parsed.rest.toString()]).toEqual([at, rest]);
  });
});

describe('MessageJoiner', () => {
  const at = (seconds: number) => `2026-11-24T14:00:0${seconds}Z `;
  const time = (seconds: number) => Date.UTC(2026, 10, 24, 14, 0, seconds);

  test('pieces of one line are one line, with the time of the first', () => {
    const joiner = new MessageJoiner();
    const pushed = [`${at(1)}a\n`, `${at(2)}lo`, `${at(3)}n`, `${at(4)}g\n`, `${at(5)}rest`].flatMap((text) =>
      joiner.push(Buffer.from(text)),
    );
    expect([...pushed, ...joiner.end()]).toEqual([
      { line: 'a', at: time(1) },
      { line: 'long', at: time(2) },
      { line: 'rest', at: time(5) },
    ]);
  });

  test('a line that itself starts with a time keeps it', () => {
    const joiner = new MessageJoiner();
    expect(joiner.push(Buffer.from(`${at(1)}${at(2)}x\n`))).toEqual([{ line: `${at(2)}x`, at: time(1) }]);
  });
});
