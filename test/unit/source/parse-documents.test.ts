import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { at, type Node, toJson } from '../../../src/model/node.ts';
import { parseDocuments } from '../../../src/source/parse-documents.ts';

function parseOne(text: string): Node {
  const { documents, diagnostics } = parseDocuments('a.yaml', text);
  expect(diagnostics).toEqual([]);
  expect(documents).toHaveLength(1);
  return documents[0]?.root ?? expect.unreachable();
}

function placeOf(node: Node | undefined): string {
  return node?.origin.kind === 'file' ? `${node.origin.at.line}:${node.origin.at.col}` : 'nowhere';
}

/** `CODE LINE:COL` of each diagnostic. */
function problemsOf(text: string): string[] {
  return parseDocuments('a.yaml', text).diagnostics.map(
    ({ code, at: place }) => `${code} ${place?.line}:${place?.col}`,
  );
}

describe('values', () => {
  test('every value and every key has its position', () => {
    const root = parseOne('spec:\n  services:\n    decode:\n      args: [a, "b"]\n      replicas: 2\n');
    expect(placeOf(at(root, 'spec', 'services', 'decode', 'args', 1))).toBe('4:17');
    expect(placeOf(at(root, 'spec', 'services', 'decode', 'replicas'))).toBe('5:17');
    const services = at(root, 'spec', 'services');
    const key = services?.kind === 'map' ? services.keys?.get('decode') : undefined;
    expect(key).toEqual({ kind: 'file', at: { file: 'a.yaml', line: 3, col: 5 } });
  });

  test('YAML 1.2 decides what is a number, a boolean or nothing', () => {
    const root = parseOne('a: 1\nb: 1.5\nc: true\nd: ~\ne:\nf: "1"\ng: 0x10\nh: !!str 5\ni: 2026-01-01\nj: 1:30\n');
    expect(toJson(root)).toEqual({
      a: 1,
      b: 1.5,
      c: true,
      d: null,
      e: null,
      f: '1',
      g: 16,
      h: '5',
      i: '2026-01-01',
      j: '1:30',
    });
  });

  test('a number with a leading zero is octal, as kubectl reads every defaultMode', () => {
    expect(toJson(parseOne('a: 0644\nb: "0644"\nc: 0o644\nd: 0\ne: 089\n'))).toEqual({
      a: 420,
      b: '0644',
      c: 420,
      d: 0,
      e: 89,
    });
  });

  test('a plain yes stays text and is warned about, since kubectl reads a boolean', () => {
    const { documents, diagnostics } = parseDocuments('a.yaml', 'a: yes\nb: "no"\n');
    expect(documents.map(({ root }) => toJson(root))).toEqual([{ a: 'yes', b: 'no' }]);
    expect(diagnostics).toMatchObject([{ severity: 'warning', code: 'YAML_BOOLEAN', at: { line: 1, col: 4 } }]);
  });

  test('what is not written is placed at its key', () => {
    expect(placeOf(at(parseOne('spec:\n  replicas:\n  x: 1\n'), 'spec', 'replicas'))).toBe('2:3');
  });

  test('block scalars keep their text', () => {
    expect(toJson(parseOne('a: |\n  x\n  y\nb: |-\n  x\nc: >-\n  x\n  y\n'))).toEqual({
      a: 'x\ny\n',
      b: 'x',
      c: 'x y',
    });
  });
});

describe('documents', () => {
  test('a file holds several, and those of comments alone are left out', () => {
    const { documents, diagnostics } = parseDocuments('a.yaml', '# first\n---\na: 1\n---\n# none\n---\nb: 2\n...\n');
    expect(diagnostics).toEqual([]);
    expect(documents.map(({ root, at: place }) => [toJson(root), place.line])).toEqual([
      [{ a: 1 }, 3],
      [{ b: 2 }, 7],
    ]);
  });

  test('JSON is YAML', () => {
    expect(toJson(parseOne('{"kind": "X", "items": [1, {"a": null}]}'))).toEqual({
      kind: 'X',
      items: [1, { a: null }],
    });
  });

  test('Windows line ends change neither values nor positions', () => {
    const root = parseOne('a: 1\r\nb:\r\n  c: x\r\n');
    expect(toJson(root)).toEqual({ a: 1, b: { c: 'x' } });
    expect(placeOf(at(root, 'b', 'c'))).toBe('3:6');
  });
});

describe('aliases', () => {
  test('stand for the value of the last anchor above them', () => {
    const root = parseOne('a: &x [1]\nb: *x\nc: &x 2\nd: *x\n');
    expect(toJson(root)).toEqual({ a: [1], b: [1], c: 2, d: 2 });
    expect(placeOf(at(root, 'b', 0))).toBe('1:8');
  });

  test('merge keys add what the map does not have itself', () => {
    const root = parseOne('a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  <<: [*a, *b]\n  x: 3\n');
    expect(toJson(at(root, 'c') ?? root)).toEqual({ x: 3, y: 1, z: 2 });
  });

  test('without an anchor, or inside it, are errors', () => {
    expect(problemsOf('a: *none\n')).toEqual(['YAML_ALIAS 1:4']);
    expect(problemsOf('a: &a\n  b: *a\n')).toEqual(['YAML_ALIAS 2:6']);
    expect(problemsOf('a:\n  <<: 1\n')).toEqual(['YAML_MERGE 2:7']);
  });

  test('that stand for billions of values are refused at once', () => {
    const lines = ['a0: &a0 [1,2,3,4,5,6,7,8,9]'];
    for (let i = 1; i < 12; i += 1)
      lines.push(
        `a${i}: &a${i} [${Array(9)
          .fill(`*a${i - 1}`)
          .join(',')}]`,
      );
    expect(problemsOf(lines.join('\n'))).toEqual(['YAML_TOO_LARGE 1:1']);
  });
});

describe('faults', () => {
  test.each([
    ['a: 1\nb: {c: 1\nd: 2\n', 'YAML_SYNTAX'],
    ['a:\n\t- 1\n', 'YAML_SYNTAX'],
    ['a: b: c\n', 'YAML_SYNTAX'],
    ['a: @x\n', 'YAML_SYNTAX'],
    ['a: "x\n', 'YAML_SYNTAX'],
    ['[a]: 1\n', 'YAML_KEY'],
    [': 1\n', 'YAML_KEY'],
    ['a: .nan\n', 'YAML_NUMBER'],
    ['a: !Ref x\n', 'YAML_TAG'],
  ])('%j is %s with a position', (text, code) => {
    const { diagnostics } = parseDocuments('a.yaml', text);
    expect(diagnostics.map((diagnostic) => diagnostic.code)).toContain(code);
    for (const diagnostic of diagnostics) expect(diagnostic.at?.file).toBe('a.yaml');
  });

  test('a key that stands twice is an error at the second', () => {
    const { documents, diagnostics } = parseDocuments('a.yaml', 'a:\n  image: x\n  b: 1\n  image: y\n');
    expect(documents).toEqual([]);
    expect(diagnostics).toMatchObject([
      { code: 'DUPLICATE_KEY', message: '"image" stands twice in one map', at: { line: 4, col: 3 } },
    ]);
  });

  test('all are reported, of all documents, and whole documents still come', () => {
    const { documents, diagnostics } = parseDocuments('a.yaml', 'a: 1\na: 2\n---\nb: 1\n---\nc: "x\n');
    expect(documents.map(({ root }) => toJson(root))).toEqual([{ b: 1 }]);
    expect(diagnostics.map(({ code, at: place }) => [code, place?.line])).toEqual([
      ['DUPLICATE_KEY', 2],
      ['YAML_SYNTAX', 7],
    ]);
  });

  test('brackets without end are too deep, and no crash', () => {
    expect(problemsOf('['.repeat(20_000)).length).toBeGreaterThan(0);
    expect(problemsOf(`${'['.repeat(200)}${']'.repeat(200)}`)[0]).toMatch(/^YAML_TOO_DEEP /);
  });
});

describe('any text', () => {
  const fragments = fc.constantFrom(
    'a',
    ':',
    ' ',
    '\n',
    '  ',
    '- ',
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    '&a',
    '*a',
    '<<: ',
    '#',
    '|',
    '>',
    '\t',
    '---\n',
    '!t',
    '0',
    '?',
    ',',
    '${X}',
  );

  test('is parsed or refused with positions inside it, and nothing is thrown', () => {
    const text = fc.oneof(
      fc.string(),
      fc.array(fragments, { maxLength: 60 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, (input) => {
        const { documents, diagnostics } = parseDocuments('x', input);
        const lines = input.split('\n').length;
        for (const { at: place } of diagnostics) {
          expect(place?.line).toBeGreaterThanOrEqual(1);
          expect(place?.line).toBeLessThanOrEqual(lines);
        }
        for (const { root } of documents) expect(placeOf(root)).not.toBe('nowhere');
      }),
      { numRuns: 1500 },
    );
  });

  test('that is JSON is read as JSON reads it', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const text = JSON.stringify(value);
        fc.pre(value !== null && !text.includes('__proto__') && !/\\u|e-?\+?3\d\d/.test(text));
        const { documents, diagnostics } = parseDocuments('x', text);
        expect(diagnostics).toEqual([]);
        expect(documents.map(({ root }) => JSON.stringify(toJson(root)))).toEqual([JSON.stringify(JSON.parse(text))]);
      }),
      { numRuns: 300 },
    );
  });
});
