import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';

const SRC = join(import.meta.dirname, '../../src');

/** Which rooms a room may import (README, architecture); every room may import itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  model: [],
  source: ['model'],
  dgd: ['model', 'source'],
  script: ['model'],
  operator: ['model'],
  mock: ['model'],
  plan: ['model'],
  host: ['model'],
  runtime: ['model'],
  http: ['model'],
  probes: ['model', 'http'],
  infra: ['model'],
  engine: ['model', 'plan', 'probes', 'infra', 'http'],
  diagnose: ['model'],
  timeline: ['model'],
  smoke: ['model', 'http'],
  cluster: ['model'],
  convert: ['model', 'dgd', 'operator', 'script'],
  ui: ['model'],
};
/** Everything below the commands is open to them. */
const TOP: Readonly<Record<string, readonly string[]>> = {
  commands: Object.keys(MAY_IMPORT),
  'cli.ts': [...Object.keys(MAY_IMPORT), 'commands'],
};

interface Import {
  readonly file: string;
  readonly room: string;
  readonly target: string;
}

function listFiles(): readonly string[] {
  return readdirSync(SRC, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(SRC, join(entry.parentPath, entry.name)));
}

function roomOf(path: string): string {
  return path.split('/')[0] ?? '';
}

function listImports(): readonly Import[] {
  return listFiles().flatMap((file) => {
    const text = readFileSync(join(SRC, file), 'utf8');
    return [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) => ({
      file,
      room: roomOf(file),
      target: roomOf(relative(SRC, join(SRC, dirname(file), match[1] ?? ''))),
    }));
  });
}

test('folders import only downwards', () => {
  const wrong = listImports().filter(({ room, target }) => {
    if (target === room || target === '..') return false;
    return !(MAY_IMPORT[room] ?? TOP[room] ?? []).includes(target);
  });
  expect(wrong).toEqual([]);
});

test('every room is in the map', () => {
  const rooms = new Set(listFiles().map(roomOf));
  expect([...rooms].filter((room) => MAY_IMPORT[room] === undefined && TOP[room] === undefined)).toEqual([]);
});

test('the model imports nothing, no module of node either', () => {
  const files = listFiles().filter((file) => file.startsWith('model/'));
  const imports = files.flatMap((file) =>
    [...readFileSync(join(SRC, file), 'utf8').matchAll(/from '(node:[^']+|[a-z@][^']*)'/g)].map(
      (match) => `${file}: ${match[1]}`,
    ),
  );
  expect(imports).toEqual([]);
});

test('only the Docker room knows dockerode', () => {
  const users = listFiles().filter((file) => /['"]dockerode['"]/.test(readFileSync(join(SRC, file), 'utf8')));
  expect(users.filter((file) => !file.startsWith('runtime/docker/'))).toEqual([]);
});

test('files stay short: none over 400 lines, half of them under 100', () => {
  const lengths = listFiles().map((file) => ({
    file,
    lines: readFileSync(join(SRC, file), 'utf8').split('\n').length,
  }));
  expect(lengths.filter(({ lines }) => lines > 400)).toEqual([]);
  const sorted = lengths.map(({ lines }) => lines).toSorted((a, b) => a - b);
  expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThan(100);
});
