import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { loadGraph } from '../../../src/dgd/load-graph.ts';
import { alpha, beta } from './decode.ts';

function load(text: string, options: Partial<Parameters<typeof loadGraph>[0]> = {}): ReturnType<typeof loadGraph> {
  return loadGraph({ file: '-', generation: '1.5', ...options }, Readable.from([Buffer.from(text)]));
}

test('a good graph comes with its warnings and notices', async () => {
  const { graph, diagnostics } = await load(
    `${alpha('pvc: {name: a}')}\n---\napiVersion: v1\nkind: Job\nmetadata: {name: j}`,
  );
  expect(graph.name).toBe('g');
  expect(diagnostics.map(({ severity, code }) => `${severity} ${code}`)).toEqual([
    'warning UNKNOWN_FIELD',
    'notice IGNORED_DOCUMENT',
  ]);
});

test('every problem comes in one error with exit code 2', async () => {
  await expect(load(alpha('replicas: x', 'zzzzzzzz: 1'))).rejects.toMatchObject({
    name: 'UserError',
    code: 'INVALID_INPUT',
    exitCode: 2,
    diagnostics: [
      { code: 'WRONG_TYPE', at: { file: '<stdin>', line: 8, col: 17 } },
      { code: 'UNKNOWN_FIELD', at: { file: '<stdin>', line: 9, col: 7 } },
    ],
  });
});

test('a single problem gives the error its code', async () => {
  await expect(load('a: [')).rejects.toMatchObject({ code: 'YAML_SYNTAX', exitCode: 2 });
  await expect(load('kind: Pod\n')).rejects.toMatchObject({ code: 'WRONG_KIND' });
  await expect(load(alpha('pvc: {name: a}'), { strict: true })).rejects.toMatchObject({ code: 'UNKNOWN_FIELD' });
});

test('a missing file is refused before anything is read', async () => {
  await expect(load('', { file: '/none/such.yaml' })).rejects.toMatchObject({ code: 'FILE_NOT_FOUND', exitCode: 2 });
});

test('companion files add their Secrets to those of the file', async () => {
  const graphFile = new URL('../../../launch/mocker/agg.yaml', import.meta.url).pathname;
  const secret = 'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {A: b}\n---\n';
  const { graph, diagnostics } = await load(secret + beta(), { file: graphFile, companionFiles: ['-'] });
  expect([...graph.companions.secrets.keys()]).toEqual(['s']);
  expect(graph.name).not.toBe('g');
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
});

test('what has no place of its own stands at the beginning of the file', async () => {
  await expect(load('# nothing\n')).rejects.toMatchObject({
    code: 'NO_DOCUMENT',
    diagnostics: [{ at: { file: '<stdin>', line: 1, col: 1 } }],
  });
});
