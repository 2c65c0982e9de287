import { expect, test } from 'vitest';
import type { DesiredContainer } from '../../src/model/desired-state.ts';
import type { LogLine, LogOptions, Runtime, RuntimeEvent } from '../../src/model/runtime.ts';

/** A project of one test in some runtime; gone with everything when it is disposed. */
export interface ConformanceProject extends AsyncDisposable {
  readonly name: string;
  readonly runtime: Runtime;
  /** A container whose command is a shell text. */
  readonly container: (component: string, command: string, fields?: Partial<DesiredContainer>) => DesiredContainer;
}

const never = new AbortController().signal;

async function run({ runtime }: ConformanceProject, container: DesiredContainer): Promise<void> {
  await runtime.createContainer(container, never);
  await runtime.startContainer(container.name, never);
}

async function linesOf(runtime: Runtime, name: string, options: LogOptions): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  for await (const line of runtime.logs(name, options, never)) lines.push(line);
  return lines;
}

/** What the rest of the program counts on, whichever runtime it is given: the same tests for each. */
export function testConformance(start: () => Promise<ConformanceProject>): void {
  test('a container is made once, runs, is observed, stops with its own exit code, and goes', async () => {
    await using project = await start();
    const { runtime, name } = project;
    const worker = project.container('worker', 'trap "exit 7" TERM; echo up; while :; do sleep 0.1; done');
    await runtime.createContainer(worker, never);
    await runtime.createContainer(worker, never);
    expect(await runtime.inspect(worker.name, never)).toMatchObject({ status: 'created', exitCode: undefined });
    await runtime.startContainer(worker.name, never);
    await runtime.startContainer(worker.name, never);
    const { containers } = await runtime.observe(name, [], never);
    expect(containers).toHaveLength(1);
    expect(containers[0]).toMatchObject({
      name: worker.name,
      project: name,
      component: 'worker',
      replica: 0,
      role: 'main',
      hash: worker.hash,
      status: 'running',
      restartPolicy: 'no',
    });
    // The shell must have set its trap.
    for await (const _line of runtime.logs(worker.name, { follow: true }, never)) break;
    await runtime.stopContainer(worker.name, 10, never);
    await runtime.stopContainer(worker.name, 10, never);
    expect(await runtime.inspect(worker.name, never)).toMatchObject({ status: 'exited', exitCode: 7 });
    await Promise.all([runtime.removeContainer(worker.name, never), runtime.removeContainer(worker.name, never)]);
    expect(await runtime.inspect(worker.name, never)).toBeUndefined();
    await runtime.removeContainer(worker.name, never);
    await runtime.stopContainer(worker.name, 1, never);
    await runtime.killContainer(worker.name, never);
    await runtime.setRestartPolicy(worker.name, 'no', never);
  });

  test('another container of the same name is refused', async () => {
    await using project = await start();
    await project.runtime.createContainer(project.container('a', 'true'), never);
    const other = project.container('a', 'true', { hash: 'other' });
    await expect(project.runtime.createContainer(other, never)).rejects.toMatchObject({
      code: 'NAME_TAKEN',
      exitCode: 3,
    });
  });

  test('who ignores SIGTERM is killed after the grace period, and what it started with it', async () => {
    await using project = await start();
    const { runtime } = project;
    const stubborn = project.container(
      'stubborn',
      'trap "" TERM; (trap "" TERM; while :; do sleep 0.1; done) & echo up; wait; while :; do sleep 0.1; done',
    );
    await run(project, stubborn);
    for await (const _line of runtime.logs(stubborn.name, { follow: true }, never)) break;
    const before = Date.now();
    await runtime.stopContainer(stubborn.name, 1, never);
    expect(Date.now() - before).toBeGreaterThan(900);
    expect(await runtime.inspect(stubborn.name, never)).toMatchObject({ status: 'exited', exitCode: 137 });
  });

  test('a crash is told with its exit code; started again it goes on in the same log', async () => {
    await using project = await start();
    const { runtime, name } = project;
    const over = new AbortController();
    const { ready, stream } = runtime.events(name, over.signal);
    await ready;
    const worker = project.container('worker', 'echo life; exit 3');
    await run(project, worker);
    const seen: RuntimeEvent[] = [];
    for await (const event of stream) {
      seen.push(event);
      if (event.action === 'die' && seen.filter(({ action }) => action === 'die').length === 1)
        await runtime.startContainer(worker.name, never);
      else if (event.action === 'die') await runtime.removeContainer(worker.name, never);
      if (event.action === 'destroy') over.abort();
    }
    expect(seen.map(({ action, exitCode }) => [action, exitCode])).toEqual([
      ['create', undefined],
      ['start', undefined],
      ['die', 3],
      ['start', undefined],
      ['die', 3],
      ['destroy', undefined],
    ]);
    expect(seen[0]).toMatchObject({ project: name, component: 'worker', replica: 0, name: worker.name });
  });

  test('a stop that was asked for is told after the end, a kill is not followed by one', async () => {
    await using project = await start();
    const { runtime, name } = project;
    const over = new AbortController();
    const { ready, stream } = runtime.events(name, over.signal);
    await ready;
    const worker = project.container('worker', 'exec sleep 60');
    await run(project, worker);
    await runtime.stopContainer(worker.name, 0, never);
    await runtime.startContainer(worker.name, never);
    await runtime.killContainer(worker.name, never);
    await runtime.removeContainer(worker.name, never);
    const actions: string[] = [];
    for await (const { action } of stream) {
      // Engines tell of the signals one by one: SIGTERM, then SIGKILL.
      if (action !== actions.at(-1)) actions.push(action);
      if (action === 'destroy') over.abort();
    }
    expect(actions).toEqual(['create', 'start', 'kill', 'die', 'stop', 'start', 'kill', 'die', 'destroy']);
  });

  test('a restart policy brings back what ends, but not what was stopped', async () => {
    await using project = await start();
    const { runtime } = project;
    const worker = project.container('worker', 'echo life; sleep 0.3; exit 3');
    await run(project, worker);
    await runtime.setRestartPolicy(worker.name, 'unless-stopped', never);
    await expect
      .poll(async () => (await linesOf(runtime, worker.name, { follow: false })).length, { timeout: 20_000 })
      .toBeGreaterThan(2);
    const observed = await runtime.inspect(worker.name, never);
    expect(observed?.restartPolicy).toBe('unless-stopped');
    expect(observed?.restartCount).toBeGreaterThan(1);
    await runtime.stopContainer(worker.name, 1, never);
    const lives = (await linesOf(runtime, worker.name, { follow: false })).length;
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect((await runtime.inspect(worker.name, never))?.status).toBe('exited');
    expect(await linesOf(runtime, worker.name, { follow: false })).toHaveLength(lives);
  });

  test('logs are complete and in order, streams apart, with a time each; tail and since choose', async () => {
    await using project = await start();
    const { runtime } = project;
    const talker = project.container(
      'talker',
      'i=0; while [ $i -lt 500 ]; do echo "line $i"; i=$((i+1)); done; echo oops >&2; printf "a\\r\\nb\\n\\nlast"',
    );
    await run(project, talker);
    const lines = await linesOf(runtime, talker.name, { follow: true });
    expect(lines.filter(({ stream }) => stream === 'stdout').map(({ line }) => line)).toEqual([
      ...Array.from({ length: 500 }, (_, index) => `line ${index}`),
      'a',
      'b',
      '',
      'last',
    ]);
    expect(lines.filter(({ stream }) => stream === 'stderr').map(({ line }) => line)).toEqual(['oops']);
    expect(await linesOf(runtime, talker.name, { follow: false })).toEqual(lines);
    expect(await linesOf(runtime, talker.name, { follow: false, tail: 2 })).toEqual(lines.slice(-2));
    const later = await linesOf(runtime, talker.name, { follow: false, since: (lines.at(-1)?.at ?? 0) + 0.001 });
    expect(later.length).toBeLessThan(3);
  });

  test('the last words of what dies are never lost', async () => {
    await using project = await start();
    for (let round = 0; round < 12; round += 1) {
      const dying = project.container(
        `dying${round}`,
        'seq 100; echo "fatal: no memory" >&2; printf "last words"; exit 1',
      );
      await run(project, dying);
      const lines = await linesOf(project.runtime, dying.name, { follow: true });
      expect(lines).toHaveLength(102);
      expect(lines.map(({ line }) => line)).toEqual(expect.arrayContaining(['fatal: no memory', 'last words']));
    }
  });

  test('a long line stays one line', async () => {
    await using project = await start();
    const talker = project.container('talker', 'head -c 100000 /dev/zero | tr "\\0" "x"; echo; echo after');
    await run(project, talker);
    const lines = await linesOf(project.runtime, talker.name, { follow: true });
    expect(lines.map(({ line }) => line)).toEqual(['x'.repeat(100_000), 'after']);
  });

  test('who comes late follows from the first line on, and an abort ends it without an error', async () => {
    await using project = await start();
    const talker = project.container('talker', 'echo first; sleep 0.3; echo second; sleep 60');
    await run(project, talker);
    const over = new AbortController();
    const seen: string[] = [];
    for await (const { line } of project.runtime.logs(talker.name, { follow: true }, over.signal)) {
      seen.push(line);
      if (line === 'second') over.abort();
    }
    expect(seen).toEqual(['first', 'second']);
    for await (const _line of project.runtime.logs(talker.name, { follow: true }, AbortSignal.abort()))
      expect.unreachable();
  });

  test('an exec probe gets exit code and output, cut to 10 KiB, with the environment of the replica', async () => {
    await using project = await start();
    const { runtime } = project;
    const origin = { kind: 'flag', flag: '--env-file' } as const;
    const worker = project.container('worker', 'sleep 60', {
      env: [{ name: 'COLOUR', value: 'x=y z', secret: false, origin }],
    });
    await run(project, worker);
    expect(
      await runtime.exec(worker.name, ['sh', '-c', 'echo "$COLOUR"; sleep 0.05; echo err >&2; exit 5'], never),
    ).toEqual({ exitCode: 5, output: 'x=y z\nerr\n' });
    const long = await runtime.exec(worker.name, ['sh', '-c', 'head -c 300000 /dev/zero | tr "\\0" y'], never);
    expect(long).toEqual({ exitCode: 0, output: 'y'.repeat(10 * 1024) });
    expect((await runtime.exec(worker.name, ['no-such-program'], never)).exitCode).toBeGreaterThan(125);
    const late = runtime.exec(worker.name, ['sleep', '30'], AbortSignal.timeout(300));
    await expect(late).rejects.toMatchObject({ name: 'TimeoutError' });
    await expect(runtime.exec('no-such-container', ['true'], never)).rejects.toMatchObject({ name: 'UserError' });
  });

  test('stats tell what is in use, and leave out what does not run', async () => {
    await using project = await start();
    const busy = project.container('busy', 'while :; do :; done');
    const ended = project.container('ended', 'true');
    await Promise.all([busy, ended].map((entry) => run(project, entry)));
    const stats = await project.runtime.stats([busy.name, ended.name, 'no-such-container'], never);
    expect(stats.map(({ name }) => name)).toEqual([busy.name]);
    expect(stats[0]?.cpus).toBeGreaterThan(0.2);
    expect(stats[0]?.memoryBytes).toBeGreaterThan(10_000);
  });
}
