import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import type { DynamoEvent, EventBody } from '../../../src/model/event.ts';
import { reconcile } from '../../../src/plan/reconcile.ts';
import { chooseMode, createRenderer, type RendererMode } from '../../../src/ui/renderer.ts';
import { formatTable } from '../../../src/ui/table.ts';
import { desiredContainer, desiredReplica, desiredState, observedState } from '../plan/builders.ts';

const CANARY = 'canary-4711';

const secret = desiredContainer('p-decode-0', {
  gpus: ['GPU-1'],
  env: [{ name: 'HF_TOKEN', value: CANARY, secret: true, origin: { kind: 'flag', flag: '--env-file' } }],
});
const plan = reconcile(desiredState([desiredReplica('decode-0', [secret])]), observedState([], ['etcd:1', 'nats:1']), {
  forceRecreate: false,
  detach: false,
  pullAlways: false,
  readyReplicas: new Set(),
  routableFrontend: undefined,
});

const EVENTS: readonly EventBody[] = [
  {
    type: 'notice',
    diagnostic: { severity: 'notice', code: 'VERSION_ASSUMED', message: 'merged as operator 1.5 does' },
  },
  { type: 'plan', plan },
  { type: 'pull-progress', image: 'worker:1', doneBytes: 0, totalBytes: 0, status: 'Pulling fs layer', layers: [] },
  {
    type: 'pull-progress',
    image: 'worker:1',
    doneBytes: 2 ** 29,
    totalBytes: 2 ** 30,
    status: 'Downloading',
    layers: [],
  },
  {
    type: 'pull-progress',
    image: 'worker:1',
    doneBytes: 2 ** 29 + 1,
    totalBytes: 2 ** 30,
    status: 'Downloading',
    layers: [],
  },
  { type: 'replica-stage', replica: 'decode-0', stage: 'starting' },
  { type: 'log', source: 'decode-0', stream: 'stderr', line: 'loading' },
  { type: 'log', source: 'etcd', stream: 'stderr', line: 'serving' },
  { type: 'replica-restarting', replica: 'decode-0', reason: 'ended with exit code 1', delayMs: 10_000, count: 2 },
  { type: 'replica-stage', replica: 'decode-0', stage: 'ready' },
  { type: 'graph-ready', durationMs: 4200, url: 'http://127.0.0.1:8000', models: ['local/tiny'] },
];

async function render(mode: RendererMode, columns?: number): Promise<string> {
  const stream = Object.assign(new PassThrough(), columns === undefined ? {} : { isTTY: true, columns, rows: 24 });
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const renderer = await createRenderer(mode, stream, { NO_COLOR: '1' });
  for (const [index, body] of EVENTS.entries()) renderer.handle({ time: 1000 + index, ...body } satisfies DynamoEvent);
  await renderer.close();
  await new Promise((resolve) => setImmediate(resolve));
  return text;
}

test('plain writes a line for each event that matters', async () => {
  expect(await render('plain')).toMatchInlineSnapshot(`
    "notice VERSION_ASSUMED: merged as operator 1.5 does
    pull worker:1  Pulling fs layer
    pull worker:1  50 % of 1 GiB
    decode-0  starting
    decode-0 | loading
    etcd     | serving
    decode-0  restarting in 10.0 s, for the 2. time: ended with exit code 1
    decode-0  ready
    ready after 4.2 s: http://127.0.0.1:8000
    models: local/tiny
    curl http://127.0.0.1:8000/v1/chat/completions -H 'content-type: application/json' -d '{"model":"local/tiny","messages":[{"role":"user","content":"Hello"}],"max_tokens":32}'
    "
  `);
});

test('json writes one object a line, with the plan as text and without a secret', async () => {
  const text = await render('json');
  const events = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(events.map((event) => event.type)).toEqual(EVENTS.map((event) => event.type));
  expect(events[1].steps.map((step: { id: string }) => step.id)).toContain('createContainer:p-decode-0');
  expect(text).not.toContain(CANARY);
});

test('quiet writes nothing', async () => {
  expect(await render('quiet')).toBe('');
});

test('tty shows a row for each replica, its GPUs and its stage, within the width, and every log line', async () => {
  const text = await render('tty', 60);
  expect(text).toContain('decode-0  waiting');
  expect(text).toMatch(/decode-0 +ready +1 GPU/);
  expect(text).toContain('decode-0 | loading');
  expect(text).toContain('etcd     | serving');
  expect(text).toContain('ready after 4.2 s: http://127.0.0.1:8000');
  expect(text).not.toContain(CANARY);
  const rows = text.split('\n').filter((line) => /decode-0 +(waiting|starting|ready) /.test(line));
  for (const row of rows) expect(row.length).toBeLessThan(120);
});

const SEQUENCE = new RegExp(`${'\u001b'}\\[(\\?25[lh]|2K|1A|G|\\d*m)|([^])`, 'g');

/** What stands on a terminal after these bytes: erased lines are gone. */
function screenOf(text: string): readonly string[] {
  const lines = [''];
  let row = 0;
  for (const [, code, character] of text.matchAll(SEQUENCE)) {
    if (code === '2K') lines[row] = '';
    else if (code === '1A') row = Math.max(0, row - 1);
    else if (character === '\n') row += 1;
    else if (character !== undefined && character !== '\r') lines[row] = (lines[row] ?? '') + character;
    lines[row] ??= '';
  }
  return lines;
}

test('tty leaves each row once, though more is told after the last of them is done', async () => {
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 80, rows: 24 });
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const renderer = await createRenderer('tty', stream, { NO_COLOR: '1' });
  const tell = (...events: readonly EventBody[]) => {
    for (const body of events) renderer.handle({ time: Date.now(), ...body } satisfies DynamoEvent);
  };
  const stage = (replica: string): EventBody => ({ type: 'replica-stage', replica, stage: 'ready' });
  tell({ type: 'plan', plan }, ...['etcd', 'nats', 'decode-0'].map(stage));
  tell({ type: 'step-finished', id: 'pull', kind: 'pullImage', target: 'worker:1', durationMs: 1 });
  // Time for a frame after the end, were there one.
  await new Promise((resolve) => setTimeout(resolve, 500));
  tell({ type: 'log', source: 'decode-0', stream: 'stderr', line: 'serving' });
  tell({ type: 'graph-ready', durationMs: 4200, models: [] });
  await renderer.close();
  const screen = screenOf(text);
  expect(screen.filter((line) => /✔ decode-0 +ready/.test(line))).toHaveLength(1);
  expect(screen.findIndex((line) => line.startsWith('ready after'))).toBeGreaterThan(
    screen.findIndex((line) => line.includes('✔ decode-0')),
  );
});

test.each([
  [undefined, true, {}, 'tty'],
  ['auto', true, { CI: 'true' }, 'plain'],
  [undefined, true, { TERM: 'dumb' }, 'plain'],
  [undefined, false, {}, 'plain'],
  ['json', true, {}, 'json'],
])('--progress %s on a terminal %s with %j is %s', (flag, isTTY, env, mode) => {
  expect(chooseMode(flag, { isTTY, env })).toBe(mode);
});

test('an unknown mode is refused', () => {
  expect(() => chooseMode('fancy', { isTTY: true, env: {} })).toThrow('is not known');
});

test('tables align their columns and leave no blanks at the end', () => {
  expect(
    formatTable(
      ['NAME', 'STAGE'],
      [
        ['decode-0', 'ready'],
        ['etcd', ''],
      ],
    ),
  ).toBe('NAME      STAGE\ndecode-0  ready\netcd\n');
});

test('a table that is too wide loses what says nothing, then what matters least; in a pipe it loses nothing', () => {
  const headers = ['NAME', 'GPUS', 'IMAGE', 'URL'];
  const rows = [
    ['decode-0', '-', 'dynamo-cpu:1.4.2', '172.27.0.6'],
    ['etcd', '-', 'etcd:3', ''],
  ];
  const width = (columns: number | undefined) =>
    formatTable(headers, rows, { columns, lessImportant: ['IMAGE'] }).split('\n')[0];
  expect(width(undefined)).toBe('NAME      GPUS  IMAGE             URL');
  expect(width(44)).toBe('NAME      GPUS  IMAGE             URL');
  expect(width(43)).toBe('NAME      IMAGE             URL');
  expect(width(30)).toBe('NAME      URL');
  expect(width(5)).toBe('NAME      URL');
});
