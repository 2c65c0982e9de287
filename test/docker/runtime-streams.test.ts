import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import type { RuntimeEvent } from '../../src/model/runtime.ts';
import { startTestProject } from './support/test-project.ts';

test('logs are complete from the first line, in order, streams apart, with a time each', async () => {
  await using project = await startTestProject();
  const talker = project.container(
    'talker',
    'i=0; while [ $i -lt 500 ]; do echo "line $i"; i=$((i+1)); done; echo oops >&2; printf "a\\r\\nb\\n\\nlast"',
  );
  await project.run(talker);
  const lines = await project.lines(talker.name, { follow: true });
  const stdout = lines.filter((line) => line.stream === 'stdout').map((line) => line.line);
  expect(stdout).toEqual([...Array.from({ length: 500 }, (_, index) => `line ${index}`), 'a', 'b', '', 'last']);
  expect(lines.filter((line) => line.stream === 'stderr').map((line) => line.line)).toEqual(['oops']);
  const times = lines.map((line) => line.at ?? 0);
  expect(Math.abs(Date.now() - (times[0] ?? 0))).toBeLessThan(60_000);
  expect(times.every((time) => time > 0)).toBe(true);

  expect(await project.lines(talker.name, { follow: false })).toEqual(lines);
  // Which of the two streams comes first is the engine's choice, once and for all.
  expect(await project.lines(talker.name, { follow: false, tail: 2 })).toEqual(lines.slice(-2));
  const middle = lines[250]?.at ?? 0;
  const since = await project.lines(talker.name, { follow: false, since: middle + 0.001 });
  expect(since.length).toBeGreaterThan(240);
  expect(since.length).toBeLessThan(lines.length - 250);
});

test('the last words of a container that dies are never lost', async () => {
  await using project = await startTestProject();
  for (let round = 0; round < 12; round += 1) {
    const dying = project.container(
      `dying${round}`,
      'seq 100; echo "fatal: no memory" >&2; printf "last words"; exit 1',
    );
    await project.run(dying);
    const lines = await project.lines(dying.name, { follow: true });
    expect(lines).toHaveLength(102);
    expect(lines.map((entry) => entry.line)).toEqual(expect.arrayContaining(['fatal: no memory', 'last words']));
  }
});

test('a line that the engine cuts in pieces is one line again, without times inside', async () => {
  await using project = await startTestProject();
  const talker = project.container('talker', 'head -c 100000 /dev/zero | tr "\\0" "x"; echo; echo after');
  await project.run(talker);
  const lines = await project.lines(talker.name, { follow: true });
  expect(lines.map((line) => line.line)).toEqual(['x'.repeat(100_000), 'after']);
});

test('following shows lines as they come, and an abort ends it without an error', async () => {
  await using project = await startTestProject();
  const talker = project.container('talker', 'echo first; sleep 0.3; echo second; sleep 60');
  await project.run(talker);
  const controller = new AbortController();
  const seen: string[] = [];
  for await (const { line } of project.runtime.logs(talker.name, { follow: true }, controller.signal)) {
    seen.push(line);
    if (line === 'second') controller.abort();
  }
  expect(seen).toEqual(['first', 'second']);
  expect((await project.lines(talker.name, { follow: false })).map((entry) => entry.line)).toEqual(seen);
  const early = new AbortController();
  const idle = project.lines(talker.name, { follow: true, since: Date.now() }, early.signal);
  setTimeout(() => early.abort(), 100);
  expect(await idle).toEqual([]);
  expect(await project.lines(talker.name, { follow: true }, AbortSignal.abort())).toEqual([]);
  // A reader that leaves closes the stream.
  for await (const _line of project.runtime.logs(talker.name, { follow: true }, project.signal)) break;
});

test('logs of a container that is not there are refused in words', async () => {
  await using project = await startTestProject();
  await expect(project.lines('no-such-container', { follow: true })).rejects.toMatchObject({ name: 'UserError' });
});

test('events: none is missed once ready, exit codes are read, other projects are not seen, an abort ends them', async () => {
  await using project = await startTestProject();
  await using other = await startTestProject();
  const controller = new AbortController();
  const { ready, stream } = project.runtime.events(project.name, controller.signal);
  await ready;
  const worker = project.container('worker', 'exit 3', {
    files: [{ path: '/f', content: '', mode: 0o644, secret: false, owner: undefined }],
  });
  const [volume] = [{ name: `${project.name}_v`, claim: 'v', scratch: true, memoryBytes: undefined, owner: 0 }];
  if (volume) await project.runtime.createVolume(project.name, { ...volume, image: worker.image }, project.signal);
  await other.run(other.container('worker', 'true'));
  await project.run(worker);
  const seen: RuntimeEvent[] = [];
  for await (const event of stream) {
    seen.push(event);
    if (event.action === 'die') await project.runtime.removeContainer(worker.name, project.signal);
    if (event.action === 'destroy') controller.abort();
  }
  expect(seen.map(({ action, name, exitCode }) => [action, name, exitCode])).toEqual([
    ['create', worker.name, undefined],
    ['start', worker.name, undefined],
    ['die', worker.name, 3],
    ['destroy', worker.name, undefined],
  ]);
  expect(seen[0]).toMatchObject({ project: project.name, component: 'worker', replica: 0 });
  expect(Math.abs((seen[0]?.time ?? 0) - Date.now())).toBeLessThan(60_000);
});

test('events that are aborted before anybody reads them end quietly', async () => {
  await using project = await startTestProject();
  const controller = new AbortController();
  const { ready, stream } = project.runtime.events(undefined, controller.signal);
  await ready;
  controller.abort();
  await new Promise((resolve) => setTimeout(resolve, 50));
  for await (const _event of stream) expect.unreachable();
  const refused = project.runtime.events(undefined, AbortSignal.abort(new Error('enough')));
  await expect(refused.ready).rejects.toThrow('enough');
  for await (const _event of refused.stream) expect.unreachable();
});

test('an exec probe gets exit code and output, cut to 10 KiB', async () => {
  await using project = await startTestProject();
  const { runtime, signal } = project;
  const worker = project.container('worker', 'sleep 60');
  await project.run(worker);
  expect(await runtime.exec(worker.name, ['sh', '-c', 'echo out; sleep 0.05; echo err >&2; exit 5'], signal)).toEqual({
    exitCode: 5,
    output: 'out\nerr\n',
  });
  const long = await runtime.exec(worker.name, ['sh', '-c', 'head -c 300000 /dev/zero | tr "\\0" y'], signal);
  expect(long).toEqual({ exitCode: 0, output: 'y'.repeat(10 * 1024) });
  expect((await runtime.exec(worker.name, ['no-such-program'], signal)).exitCode).toBeGreaterThan(125);
  await expect(runtime.exec('no-such-container', ['true'], signal)).rejects.toMatchObject({ name: 'UserError' });
  const many = await Promise.all(
    Array.from({ length: 8 }, (_, index) => runtime.exec(worker.name, ['sh', '-c', `exit ${index}`], signal)),
  );
  expect(many.map((result) => result.exitCode)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test('an exec probe that takes too long is left with the reason of the signal', async () => {
  await using project = await startTestProject();
  const worker = project.container('worker', 'sleep 60');
  await project.run(worker);
  const started = Date.now();
  const late = project.runtime.exec(worker.name, ['sleep', '30'], AbortSignal.timeout(300));
  await expect(late).rejects.toMatchObject({ name: 'TimeoutError' });
  expect(Date.now() - started).toBeLessThan(3000);
});

function collect(): { readonly stream: PassThrough; text(): string } {
  const stream = new PassThrough();
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return { stream, text: () => Buffer.concat(chunks).toString() };
}

test('an attached command has the streams of the caller and gives its exit code', async () => {
  await using project = await startTestProject();
  const { runtime, signal } = project;
  const worker = project.container('worker', 'sleep 60');
  await project.run(worker);
  const [out, err] = [collect(), collect()];
  const stdin = new PassThrough();
  stdin.write('hello\n');
  stdin.end('x'.repeat(200_000));
  const code = await runtime.attachExec(
    worker.name,
    {
      command: ['sh', '-c', 'read line; echo "$line $A $(pwd)"; wc -c; echo bad >&2; exit 9'],
      tty: false,
      stdin,
      stdout: out.stream,
      stderr: err.stream,
      env: ['A=b'],
      workingDir: '/tmp',
    },
    signal,
  );
  expect([code, out.text(), err.text()]).toEqual([9, 'hello b /tmp\n200000\n', 'bad\n']);
});

test('with a terminal the size of the caller is the size inside', async () => {
  await using project = await startTestProject();
  const worker = project.container('worker', 'sleep 60');
  await project.run(worker);
  const out = collect();
  const stdout = Object.assign(out.stream, { columns: 99, rows: 33 });
  const options = { tty: true, stdin: undefined, stdout, stderr: stdout };
  const command = ['sh', '-c', 'sleep 0.5; stty size; test -t 1 && exit 4'];
  const code = await project.runtime.attachExec(worker.name, { ...options, command }, project.signal);
  expect([code, out.text()]).toEqual([4, '33 99\r\n']);
});

test('an attached command that is aborted rejects with the reason', async () => {
  await using project = await startTestProject();
  const worker = project.container('worker', 'sleep 60');
  await project.run(worker);
  const { stream } = collect();
  const controller = new AbortController();
  const options = { command: ['sleep', '30'], tty: false, stdin: undefined, stdout: stream, stderr: stream };
  const running = project.runtime.attachExec(worker.name, options, controller.signal);
  setTimeout(() => controller.abort(new Error('enough')), 200);
  await expect(running).rejects.toThrow('enough');
});

test('stats tell cores and memory in use, and leave out what does not run', async () => {
  await using project = await startTestProject();
  const busy = project.container('busy', 'while :; do :; done');
  const idle = project.container('idle', 'sleep 60');
  const ended = project.container('ended', 'true');
  await Promise.all([busy, idle, ended].map((entry) => project.run(entry)));
  const names = [busy.name, idle.name, ended.name, 'no-such-container'];
  const stats = await project.runtime.stats(names, project.signal);
  expect(stats.map((entry) => entry.name)).toEqual([busy.name, idle.name]);
  expect(stats[0]?.cpus).toBeGreaterThan(0.2);
  expect(stats[1]?.cpus).toBeLessThan(0.1);
  expect(stats[1]?.memoryBytes).toBeGreaterThan(10_000);
});
