import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

/** Rows without a code: the test that shows that the problem does not arise. */
const PREVENTED: Readonly<Record<string, readonly [file: string, title: string]>> = {
  'a component that names only its image lost its command': [
    'test/docker/up.test.ts',
    'the container is what the cluster would run: environment, shared memory, grace period, names',
  ],
  'the frontend is healthy and has no model': [
    'test/docker/cards.test.ts',
    'a frontend that answers 200 on /health without a worker is not called ready',
  ],
  'three workers on GPU 0': ['test/unit/plan/allocate-gpus.test.ts', 'replicas get distinct devices in order'],
  'a worker on a GPU that is busy': [
    'test/unit/plan/allocate-gpus.test.ts',
    'a GPU that a foreign process fills is not given out, one that it barely uses is',
  ],
  'system ports of two replicas collide': [
    'test/docker/up.test.ts',
    'a disaggregated graph comes up, answers, is looked at, changed and taken down',
  ],
  '64 MB of shared memory': [
    'test/docker/up.test.ts',
    'the container is what the cluster would run: environment, shared memory, grace period, names',
  ],
  'GPU memory is still taken after the end': [
    'test/docker/attached.test.ts',
    'while up is attached a killed worker is restarted and serves again; Ctrl-C stops everything in order',
  ],
};

/** Codes that are made of parts in the source. */
const MADE: Readonly<Record<string, string>> = {
  ETCD_DIED: '_DIED`',
  NATS_DIED: '_DIED`',
};

interface Row {
  readonly symptom: string;
  readonly codes: readonly string[];
}

function readRows(): readonly Row[] {
  return readFileSync(join(ROOT, 'docs/troubleshooting.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (?:symptom\b|-)/.test(line))
    .map((line) => {
      const [symptom = '', , answer = ''] = line.slice(2, -2).split(' | ');
      return {
        symptom: symptom.trim(),
        codes: [...answer.matchAll(/`([A-Z][A-Z_]+)`/g)].map((match) => match[1] ?? ''),
      };
    });
}

function readAll(folder: string, without?: string): string {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && entry.name !== without)
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
    .join('\n');
}

const source = readAll('src');
const tests = readAll('test', 'troubleshooting.test.ts');
const rows = readRows();

test('the page has rows', () => {
  expect(rows.length).toBeGreaterThan(30);
});

test.each(rows)('"$symptom" has code and a test', ({ symptom, codes }) => {
  const prevented = PREVENTED[symptom];
  if (prevented) {
    const [file, title] = prevented;
    expect(readFileSync(join(ROOT, file), 'utf8')).toContain(`'${title}'`);
    return;
  }
  expect(codes).not.toEqual([]);
  for (const code of codes) {
    expect(source.includes(MADE[code] ?? `'${code}'`), `${code} is in src/`).toBe(true);
    expect(MADE[code] ? tests.includes('_DIED`') : tests.includes(code), `${code} is in test/`).toBe(true);
  }
});

test('what is said to be prevented stands on the page', () => {
  const symptoms = rows.map((row) => row.symptom);
  expect(Object.keys(PREVENTED).filter((symptom) => !symptoms.includes(symptom))).toEqual([]);
});

test('every failure that is known by its words stands on the page, or explains itself', () => {
  const known = [
    ...readFileSync(join(ROOT, 'src/diagnose/recognize-failure.ts'), 'utf8').matchAll(/code: '([A-Z_]+)'/g),
  ];
  const listed = new Set(rows.flatMap((row) => row.codes));
  const left = known.map((match) => match[1] ?? '').filter((code) => !listed.has(code));
  expect(left).toEqual(['CONTAINER_DISK_FULL', 'REGISTER_FAILED', 'PLANE_INVALID']);
});
