import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { validateText } from '../../../src/commands/validate-file.ts';
import { runCli } from '../../support/run-cli.ts';
import { alpha, beta } from '../dgd/decode.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dynamo-validate-'));
  await writeFile(join(folder, 'good.yaml'), `${beta()}\n`);
  await writeFile(join(folder, 'bad.yaml'), `${alpha('replicas: many', 'imag: x')}\n---\n${beta('tty: 1')}\n`);
  await writeFile(join(folder, 'broken.yaml'), 'spec: [\n');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('an admitted graph exits 0 and is said so on stdout', async () => {
  const { exitCode, stdout, stderr } = await runCli(['validate', join(folder, 'good.yaml')]);
  expect([exitCode, stderr]).toEqual([0, '']);
  expect(stdout).toContain('g is admitted by operator 1.5');
});

test('every problem of every file is said at once, and one refusal exits 2', async () => {
  const files = ['bad.yaml', 'missing.yaml', 'broken.yaml', 'good.yaml'].map((name) => join(folder, name));
  const { exitCode, stdout } = await runCli(['validate', ...files, '--format', 'json']);
  expect(exitCode).toBe(2);
  const { operatorVersion, files: reports } = JSON.parse(stdout);
  expect(operatorVersion).toBe('1.5');
  expect(reports.map(({ graphs }: { graphs: { verdict: string }[] }) => graphs.map(({ verdict }) => verdict))).toEqual([
    ['refused', 'refused'],
    [],
    [],
    ['admitted'],
  ]);
  expect(reports[0].graphs[0].problems).toMatchObject([
    { severity: 'warning', code: 'REQUIRED', at: { line: 7, col: 7 } },
    { severity: 'error', code: 'WRONG_TYPE', field: 'spec.services.decode.replicas', at: { line: 8, col: 17 } },
    { severity: 'error', code: 'UNKNOWN_FIELD', field: 'spec.services.decode.imag', at: { line: 9, col: 7 } },
  ]);
  expect(reports[1].problems).toMatchObject([{ severity: 'error', code: 'FILE_NOT_FOUND' }]);
  expect(reports[2].problems).toMatchObject([{ severity: 'error', code: 'YAML_SYNTAX' }]);
});

test('the operator version chooses the rules', async () => {
  const args = ['validate', join(folder, 'good.yaml'), '--operator-version'];
  expect((await runCli([...args, '1.1'])).exitCode).toBe(2);
  expect((await runCli([...args, '1.5.3'])).exitCode).toBe(0);
  expect((await runCli([...args, '2.0'])).stderr).toContain('INVALID_FLAG');
});

test('only unknown fields: kubectl refuses what the API server would take without them', () => {
  const [graph] = validateText('a.yaml', beta('iamge: y'), '1.5').graphs;
  expect(graph).toMatchObject({ verdict: 'pruned', problems: [{ code: 'UNKNOWN_FIELD', at: { line: 13 } }] });
});

test('what only a local run wants is a warning', () => {
  const [graph] = validateText(
    'a.yaml',
    beta('args: ["${MODEL}"]').replace('image:', 'command: [a]\n              image:'),
    '1.5',
  ).graphs;
  expect(graph).toMatchObject({ verdict: 'admitted', problems: [{ severity: 'warning', code: 'TEMPLATE_HOLE' }] });
});

test('a graph without a spec is taken by operators without a webhook alone', () => {
  const text = 'apiVersion: nvidia.com/v1alpha1\nkind: DynamoGraphDeployment\nmetadata: { name: g }\n';
  const verdicts = (['0.4', '0.6', '1.1', '1.5'] as const).map(
    (one) => validateText('a.yaml', text, one).graphs[0]?.verdict,
  );
  expect(verdicts).toEqual(['admitted', 'admitted', 'refused', 'refused']);
});

test('a graph that the cluster admits and then fails at is warned of', () => {
  const [graph] = validateText('a.yaml', alpha('multinode: {nodeCount: 2}'), '0.6').graphs;
  expect(graph).toMatchObject({ verdict: 'admitted' });
  expect(graph?.problems.map(({ severity, code }) => `${severity} ${code}`)).toContain(
    'warning NO_MULTINODE_ORCHESTRATOR',
  );
});

test('labels and keys that the API server does not take are refused', () => {
  const text = beta().replace(
    '{name: g}',
    `{name: g, labels: {a: ${'x'.repeat(64)}, -b: c}, annotations: {A.io/b: "any thing"}}`,
  );
  const [graph] = validateText('a.yaml', text, '1.5').graphs;
  expect(graph?.problems.map(({ code, field }) => `${code} ${field}`)).toEqual([
    'LABEL_INVALID metadata.labels',
    'LABEL_INVALID metadata.labels',
  ]);
});

test('components without a header run here, and no cluster takes them as they stand', () => {
  const text = 'W:\n  componentType: worker\n  extraPodSpec: { mainContainer: { image: "x:1.0.0" } }\n';
  const [graph] = validateText('a.yaml', text, '1.5').graphs;
  expect(graph).toMatchObject({ verdict: 'refused', problems: [{ severity: 'error', code: 'KIND_MISSING' }] });
});

test('a launch script is no document, and what makes one of it is said', async () => {
  const run = await runCli(['validate', 'launch/mocker/agg.sh']);
  expect([run.exitCode, run.stdout]).toEqual([
    2,
    expect.stringContaining('dynamo convert launch/mocker/agg.sh | dynamo validate -'),
  ]);
});

test.each(['validate', 'plan', 'render', 'ps'])('%s refuses a format that it does not have', async (verb) => {
  const run = await runCli([verb, ...(verb === 'ps' ? [] : ['launch/mocker/agg.yaml']), '--format', 'xml']);
  expect([run.exitCode, run.stdout, run.stderr]).toEqual([2, '', expect.stringContaining("'xml' is invalid")]);
});
