import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import Docker from 'dockerode';
import { afterAll, describe, expect, test } from 'vitest';
import { createContainerRoom } from '../../src/runtime/docker/run-locked-container.ts';
import { recordScript } from '../../src/script/record-script.ts';
import type { Recording, RecordLimits } from '../../src/script/recording.ts';

/** Below /tmp: images keep /root to root, and this checkout may stand there. */
const SCRIPTS = mkdtempSync(join(tmpdir(), 'dynamo-scripts-'));
cpSync(resolve('test/fixtures/scripts'), SCRIPTS, { recursive: true });
afterAll(() => rmSync(SCRIPTS, { recursive: true, force: true }));

const MIB = 1024 * 1024;
/** Any image that has bash and the coreutils. */
const IMAGE = 'debian:bookworm-slim';
const docker = new Docker();
const present = await docker
  .getImage(IMAGE)
  .inspect()
  .then(
    () => true,
    () => false,
  );

const runInContainer = createContainerRoom(process.env, IMAGE);

function record(
  name: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
  more: Partial<RecordLimits> = {},
): Promise<Recording> {
  const limits = { wallMs: 5_000, ...more };
  return recordScript(
    { file: join(SCRIPTS, name), args, env, room: 'container', limits, runInContainer },
    AbortSignal.timeout(60_000),
  );
}

describe.skipIf(!present)('a script recorded in a container', () => {
  test.each([
    'two-processes',
    'environment',
    'loops',
    'helpers',
    'written-file',
    'by-path',
    'infrastructure',
    'shapes',
  ])('%s.sh has the launches that it has in namespaces', async (name) => {
    const file = join(SCRIPTS, `launch/${name}.sh`);
    const inContainer = await record(`launch/${name}.sh`);
    const inNamespaces = await recordScript(
      { file, args: [], env: {}, room: 'auto', runInContainer },
      AbortSignal.timeout(60_000),
    );
    expect(inContainer.room).toBe('container');
    expect(inContainer.launches).toEqual(inNamespaces.launches);
  });

  test('a hostile one changes nothing outside', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'outside-'));
    const before = readdirSync(join(SCRIPTS, 'hostile'));
    try {
      const { launches } = await record('hostile/escape.sh', [], { OUTSIDE: outside });
      expect(launches.map((launch) => launch.argv.at(-1))).toContain('first');
      expect(readdirSync(outside)).toEqual([]);
      expect(readdirSync(join(SCRIPTS, 'hostile'))).toEqual(before);
    } finally {
      rmSync(outside, { recursive: true });
    }
  });

  test.each([
    ['fork-bomb.sh', 'SCRIPT_TOO_MANY_PROCESSES', {}],
    ['endless.sh', 'SCRIPT_ENDLESS', {}],
    ['memory.sh', 'SCRIPT_TOO_MUCH_MEMORY', { memoryBytes: 128 * MIB, wallMs: 20_000 }],
  ])('%s ends at its limit as %s', async (name, code, more) => {
    const { launches, notices } = await record(`hostile/${name}`, [], {}, more);
    expect(launches.map((launch) => launch.argv.join(' '))).toEqual(['python3 -m first']);
    expect(notices.filter((notice) => notice.severity === 'error').map((notice) => notice.code)).toEqual([code]);
  });

  test('one that fills its disk still has what it starts recorded', async () => {
    const { launches, notices } = await record('hostile/disk.sh', [], {}, { writtenBytes: 8 * MIB });
    expect(launches.map((launch) => launch.argv.join(' '))).toEqual(['python3 -m after']);
    expect(notices.map((notice) => notice.code)).toContain('SCRIPT_WRITES_TOO_MUCH');
  });
});
