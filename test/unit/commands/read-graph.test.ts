import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { runCli } from '../../support/run-cli.ts';

const SCRIPT = resolve('launch/mocker/agg.sh');
const YAML = resolve('launch/mocker/agg.yaml');

test('arguments and variables of a script reach its processes, a bare name with the value of the caller', async () => {
  const result = await runCli(
    [
      'convert',
      SCRIPT,
      '--to',
      'launches',
      '-e',
      'MODEL=mine',
      '-e',
      'FROM_CALLER',
      '-e',
      'NOWHERE',
      '--',
      '--seed',
      '7',
    ],
    { env: { FROM_CALLER: 'yes' } },
  );
  expect(result.exitCode).toBe(0);
  const { launches } = JSON.parse(result.stdout);
  expect(launches[1]).toMatchObject({ env: { MODEL: 'mine', FROM_CALLER: 'yes' } });
  expect(launches[1].argv.slice(-2)).toEqual(['--seed', '7']);
  expect(launches[1].env).not.toHaveProperty('NOWHERE');
});

test.each([
  ['an argument in front of --', [SCRIPT, 'stray'], 'ARGUMENT_UNKNOWN'],
  ['a variable without a name', [SCRIPT, '-e', '=x'], 'INVALID_FLAG'],
  ['a workspace that is no absolute path', [SCRIPT, '--workspace', 'here'], 'INVALID_FLAG'],
  ['a script that is not there', ['/nowhere/agg.sh'], 'SCRIPT_NOT_FOUND'],
  ['a variable for a YAML file', [YAML, '-e', 'A=1'], 'FLAG_OF_SCRIPTS'],
  ['script arguments for a YAML file', [YAML, '--', '--seed'], 'FLAG_OF_SCRIPTS'],
  ['trust for a YAML file', [YAML, '--trust-script'], 'FLAG_OF_SCRIPTS'],
])('%s is a fault of usage', async (_, args, code) => {
  const result = await runCli(['convert', ...args]);
  expect(result).toMatchObject({ exitCode: 2, stdout: '' });
  expect(result.stderr).toContain(code);
});
