import { expect, test } from 'vitest';
import { cli } from '../support/spawn-cli.ts';
import { chat, example, frontendUrl, ps, testProject } from '../support/test-project.ts';

test('a launch script comes up as its graph, answers, and converted to YAML changes nothing', async () => {
  await using project = await testProject('script');
  const base = ['-d', '-p', project.name, '--progress', 'plain', '--port', '0', '--wait-timeout', '120'];
  const script = example('mocker/disagg.sh');
  const knobs = ['--', '--max-num-seqs', '8'];
  const up = await cli(['up', script, ...base, ...knobs]);
  expect(up.stderr).toContain('routable');
  expect(up.exitCode).toBe(0);
  expect((await ps(project.name)).map((row) => `${row.id} ${row.stage}`)).toEqual([
    'etcd running',
    'nats running',
    'decode-0 ready',
    'frontend-0 ready',
    'prefill-0 ready',
  ]);
  expect(await chat(await frontendUrl(project.name))).not.toBe('');

  const converted = await cli(['convert', script, ...knobs]);
  expect(converted.exitCode).toBe(0);
  const again = await cli(['up', await project.write('converted.yaml', converted.stdout), ...base]);
  expect(again.stderr).toContain('nothing to do');

  const changed = await cli(['up', script, ...base, '-e', 'MODEL=local/tiny', '--', '--max-num-seqs', '4']);
  expect(changed.exitCode).toBe(0);
  expect(await chat(await frontendUrl(project.name))).not.toBe('');
});
