import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cli } from '../support/spawn-cli.ts';
import { testProject } from '../support/test-project.ts';

const CORPUS = join(import.meta.dirname, '../../../shared/corpus');

/** Disaggregated graphs of every release and backend, for one model each. */
function listGraphs(): readonly string[] {
  if (!existsSync(CORPUS)) return [];
  return readdirSync(CORPUS, { recursive: true, withFileTypes: true })
    .map((entry) => join(entry.parentPath, entry.name).slice(CORPUS.length + 1))
    .filter((path) => /^v.*backends\/(vllm|sglang|trtllm)\/deploy\/disagg(_router)?\.yaml$/.test(path))
    .toSorted();
}

describe.skipIf(!existsSync(CORPUS))('with --mock, real files serve through the real router', () => {
  test('there are graphs to try', () => expect(listGraphs().length).toBeGreaterThanOrEqual(10));

  test.each(listGraphs())('%s', async (path) => {
    await using project = await testProject('corpus');
    const up = await cli([
      ...['up', '-d', '--mock', join(CORPUS, path), '-p', project.name, '--port', '0', '--smoke'],
      ...['--progress', 'plain', '--no-logs', '--wait-timeout', '150'],
    ]);
    expect(up.stderr).toMatch(/smoke prefill {2}pass: .*\+[1-9]/);
    expect(up.stderr).not.toContain('fail:');
    expect(up.exitCode).toBe(0);
  });
});
