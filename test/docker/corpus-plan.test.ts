import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { installFakeNvidiaSmi } from '../support/fake-nvidia-smi.ts';
import { runCli } from '../support/run-cli.ts';
import { example } from '../support/test-project.ts';

const CORPUS = join(import.meta.dirname, '../../../shared/corpus');

function listYaml(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.yaml'))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}

/** The reasons for which a file of the corpus may be refused; each is checked to stand at a place of that file. */
const REFUSALS =
  /error (SPEC_EMPTY|GMS_INTER_POD|UNKNOWN_FIELD|SEVERAL_GRAPHS|TEMPLATE_HOLE|KUSTOMIZE_PATCH|IMAGE_INVALID|INVALID_INPUT):/;

describe.skipIf(!existsSync(CORPUS))('every concrete file of the corpus', () => {
  test('is planned, or refused with a GPU table or a positioned message; never with a stack', async () => {
    await using gpus = await installFakeNvidiaSmi(8);
    const env = { PATH: `${gpus.folder}:${process.env.PATH}` };
    const files = readdirSync(CORPUS)
      .filter((name) => name.startsWith('v'))
      .flatMap((name) => listYaml(join(CORPUS, name)));
    const counts = new Map<number, number>();
    const wrong: string[] = [];
    for (const file of files) {
      const { exitCode, stdout, stderr } = await runCli(['plan', file, '--format', 'json', '-p', 'corpus'], { env });
      counts.set(exitCode, (counts.get(exitCode) ?? 0) + 1);
      const fine =
        (exitCode === 0 && JSON.parse(stdout).steps.length > 0) ||
        (exitCode === 3 && /GPU_SHORTAGE[\s\S]*NEED +GPUS[\s\S]*HELD BY/.test(stderr)) ||
        (exitCode === 3 && /error (SECRET|HOST_PATH)_MISSING:/.test(stderr) && stderr.includes(`${file}:`)) ||
        (exitCode === 2 && REFUSALS.test(stderr) && stderr.includes(`${file}:`));
      if (!fine || /\n\s+at .+:\d+:\d+/.test(stderr))
        wrong.push(`${relative(CORPUS, file)}: ${exitCode} ${stderr.slice(0, 300)}`);
    }
    expect(wrong).toEqual([]);
    expect(files).toHaveLength(224);
    expect([...counts.keys()].toSorted()).toEqual([0, 2, 3]);
    expect(counts.get(0)).toBeGreaterThan(170);
  }, 120_000);
});

describe('the examples', () => {
  test.each(
    ['mocker', 'vllm', 'sglang', 'trtllm'].flatMap((backend) =>
      ['agg', 'agg_router', 'disagg', 'disagg_router'].map((pattern) => `${backend}/${pattern}.yaml`),
    ),
  )('%s is planned on a machine with four GPUs, each worker on its own', async (path) => {
    await using gpus = await installFakeNvidiaSmi(4);
    const { exitCode, stdout } = await runCli(['plan', example(path), '-p', 'examples'], {
      env: { PATH: `${gpus.folder}:${process.env.PATH}` },
    });
    expect(exitCode).toBe(0);
    const given = [...stdout.matchAll(/ on (GPU-[0-9a-f-]+)/g)].map((match) => match[1]);
    expect(new Set(given).size).toBe(given.length);
    if (path.startsWith('mocker')) expect(given).toEqual([]);
    else expect(given.length).toBeGreaterThan(0);
  });
});

test('with too few GPUs a plan is refused after its notices, and a look at the containers is not', async () => {
  await using gpus = await installFakeNvidiaSmi(1);
  const env = { PATH: `${gpus.folder}:${process.env.PATH}` };
  const plan = await runCli(['plan', example('vllm/disagg.yaml'), '-p', 'short'], { env });
  expect([plan.exitCode, plan.stdout]).toEqual([3, '']);
  expect(plan.stderr).toMatch(/notice VERSION_ASSUMED[\s\S]*error GPU_SHORTAGE[\s\S]*NEED +GPUS/);
  const local = await runCli(['render', example('vllm/disagg.yaml'), '--local', '-p', 'short'], { env });
  expect(local.exitCode).toBe(0);
  expect(local.stderr).toContain('warning GPU_SHORTAGE');
  expect([...local.stdout.matchAll(/^kind: Replica$/gm)]).toHaveLength(3);
  expect(local.stdout).not.toMatch(/^ +gpus:/m);
});
