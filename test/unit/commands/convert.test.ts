import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { runCli } from '../../support/run-cli.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dynamo-convert-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const YAML = 'launch/vllm/agg_router.yaml';
const SCRIPT = 'launch/vllm/agg_router.sh';

describe('what the command line says of the graph', () => {
  test.each([YAML, SCRIPT])('%s: replicas and images in place of the written ones', async (file) => {
    const plain = parse((await runCli(['convert', file])).stdout);
    const { name } = plain.spec.components[1];
    const run = await runCli(['convert', file, '--scale', `${name}=5`, '--image', `${name}=mine:1`]);
    const worker = parse(run.stdout).spec.components.find((component: { name: string }) => component.name === name);
    expect([run.exitCode, worker.replicas, worker.podTemplate.spec.containers[0].image]).toEqual([0, 5, 'mine:1']);
  });

  test.each([['--scale'], ['--image']])('%s of a component that is not there', async (flag) => {
    const run = await runCli(['convert', YAML, flag, 'Nope=3']);
    expect([run.exitCode, run.stderr]).toEqual([2, expect.stringContaining('Nope')]);
  });

  test.each([
    [[YAML, '--mock'], '--mock'],
    [[YAML, '--gpus', '0'], '--gpus'],
    [[YAML, '--to', 'script', '--port', '9000'], '--port'],
    [[SCRIPT, '--to', 'launches', '--scale', 'a=1'], '--scale'],
  ])('%j: what would change nothing is refused', async (args, flag) => {
    const run = await runCli(['convert', ...args]);
    expect([run.exitCode, run.stderr]).toEqual([
      2,
      expect.stringContaining(`INVALID_FLAG: ${flag} changes nothing of`),
    ]);
  });
});

test('a graph has the launches of its script', async () => {
  const [ofGraph, ofScript] = await Promise.all(
    ['yaml', 'sh'].map(async (form) => runCli(['convert', `launch/vllm/disagg.${form}`, '--to', 'launches'])),
  );
  const commands = (text: string): readonly string[] =>
    (JSON.parse(text).launches as { argv: string[]; env: Record<string, string> }[])
      .map(({ argv, env }) => [env.CUDA_VISIBLE_DEVICES ?? '-', ...argv].join(' '))
      .sort();
  expect(ofGraph?.exitCode).toBe(0);
  expect(commands(ofGraph?.stdout ?? '')).toHaveLength(3);
  expect(commands(ofGraph?.stdout ?? '')).toEqual(commands(ofScript?.stdout ?? ''));
  expect(ofGraph?.stdout).toContain(`"cwd": "${process.cwd()}"`);
});

test('the source is not written over, and a script can be run', async () => {
  const script = join(folder, 'two.sh');
  const text = readFileSync(SCRIPT, 'utf8');
  writeFileSync(script, text);
  const over = await runCli(['convert', script, '-o', script]);
  expect([over.exitCode, over.stderr]).toEqual([2, expect.stringContaining('error OUTPUT_IS_INPUT: ')]);
  expect(readFileSync(script, 'utf8')).toBe(text);
  const made = join(folder, 'made.sh');
  expect((await runCli(['convert', script, '--to', 'script', '-o', made])).exitCode).toBe(0);
  expect(existsSync(made) && (statSync(made).mode & 0o111) !== 0).toBe(true);
});

test.each(['v1beta1', 'compose', 'script'])('--production leaves flags for tests out of %s', async (form) => {
  const script = join(folder, 'tests.sh');
  writeFileSync(script, 'python3 -m dynamo.frontend &\npython3 -m dynamo.vllm --model m --enforce-eager\n');
  const [kept, left] = await Promise.all(
    [[], ['--production']].map(async (flags) => runCli(['convert', script, '--to', form, ...flags])),
  );
  expect([kept?.exitCode, kept?.stdout]).toEqual([0, expect.stringContaining('--enforce-eager')]);
  expect([left?.exitCode, left?.stdout]).toEqual([0, expect.not.stringContaining('--enforce-eager')]);
  expect(left?.stderr).toContain('--enforce-eager is left out');
});
