import { expect, test } from 'vitest';
import type { EventBody } from '../../../src/model/event.ts';
import { LABEL } from '../../../src/model/labels.ts';
import { reconcile } from '../../../src/plan/reconcile.ts';
import { formatTimeline, toTrace } from '../../../src/timeline/format-timeline.ts';
import { TimelineRecorder } from '../../../src/timeline/record-timeline.ts';
import { desiredContainer, desiredReplica, desiredState, observedState } from '../plan/builders.ts';

const START = 1_000_000;

function labelled(component: string) {
  return desiredContainer(`p-${component}-0`, { labels: { [LABEL.component]: component, [LABEL.replica]: '0' } });
}

/** A run whose steps take 100 ms each as soon as those they wait for have ended, and `decode` loads for 700 ms more. */
function record(): TimelineRecorder {
  const recorder = new TimelineRecorder();
  const at = (ms: number, body: EventBody) => recorder.handle({ time: START + ms, ...body });
  const plan = reconcile(
    desiredState([
      desiredReplica('frontend-0', [labelled('frontend')]),
      desiredReplica('decode-0', [labelled('decode')]),
    ]),
    observedState([], ['etcd:1', 'nats:1']),
    {
      forceRecreate: false,
      detach: false,
      pullAlways: false,
      readyReplicas: new Set(),
      routableFrontend: 'frontend-0',
    },
  );
  at(0, { type: 'plan', plan });
  const ends = new Map<string, number>();
  const events: (readonly [number, EventBody])[] = [];
  for (const { id, operation, target, text, cause, after } of plan.steps) {
    const start = Math.max(0, ...after.map((before) => ends.get(before) ?? 0));
    const durationMs = id === 'waitReady:decode-0' ? 800 : 100;
    ends.set(id, start + durationMs);
    events.push([start, { type: 'step-started', id, kind: operation.kind, target, text, cause }]);
    events.push([start + durationMs, { type: 'step-finished', id, kind: operation.kind, target, durationMs }]);
    if (operation.kind === 'startContainer' && target === 'p-decode-0') {
      events.push([start + 100, { type: 'replica-stage', replica: 'decode-0', stage: 'started' }]);
      events.push([start + 300, { type: 'progress', replica: 'decode-0', text: 'loading' }]);
      events.push([start + 900, { type: 'replica-stage', replica: 'decode-0', stage: 'ready' }]);
    }
  }
  for (const [time, body] of events.toSorted(([a], [b]) => a - b)) at(time, body);
  at(Math.max(...ends.values()), { type: 'replica-stage', replica: 'decode-0', stage: 'routable' });
  at(Math.max(...ends.values()), { type: 'graph-ready', durationMs: 0, models: [] });
  return recorder;
}

test('each stage of a replica begins where the one before ended; a log line parts import from load', () => {
  const timeline = record().finish();
  const decode = timeline?.spans
    .filter(({ lane }) => lane === 'decode-0')
    .map(({ stage, startMs, endMs }) => [stage, startMs, endMs]);
  expect(decode).toEqual([
    ['pull', 0, 100],
    ['create', 100, 200],
    ['start', 400, 500],
    ['import', 500, 700],
    ['load', 700, 1300],
    ['routable', 1300, 1400],
  ]);
  expect(timeline?.totalMs).toBe(1400);
});

test('the critical path is what the end waited for, without gaps', () => {
  const path = record().finish()?.criticalPath ?? [];
  expect(path.map(({ text }) => text)).toEqual([
    'create network p_default',
    'create container p-etcd from etcd:1',
    'start container p-etcd',
    'wait until etcd answers',
    'start container p-decode-0',
    'wait until decode-0 is ready',
    'wait until frontend-0 answers a request',
  ]);
  expect(path.map(({ startMs, endMs }) => endMs - startMs)).toEqual([100, 100, 100, 100, 100, 800, 100]);
  for (const [index, step] of path.slice(1).entries()) expect(step.startMs).toBe(path[index]?.endMs);
});

test('nothing is told of a run that did not become ready, or that created nothing', () => {
  const recorder = new TimelineRecorder();
  expect(recorder.finish()).toBeUndefined();
  recorder.handle({ time: 1, type: 'plan', plan: { project: 'p', steps: [], notices: [] } });
  recorder.handle({ time: 2, type: 'graph-ready', durationMs: 1, models: [] });
  expect(recorder.finish()).toBeUndefined();
});

test('the text has a bar per lane within the columns, and compares with the run before', () => {
  const timeline = record().finish();
  if (!timeline) throw new Error('no timeline');
  const text = formatTimeline(timeline, { ...timeline, totalMs: 1000 }, 80);
  expect(text).toContain('project p: up after 1.40 s, the time before 1.00 s (+40 %)');
  expect(text).toMatch(/^decode-0 {4}p+c+ +s+i+l+a+$/m);
  expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
});

test('the trace has a thread per lane and microseconds', () => {
  const timeline = record().finish();
  if (!timeline) throw new Error('no timeline');
  const { traceEvents } = JSON.parse(JSON.stringify(toTrace(timeline)));
  const load = traceEvents.find(
    (event: { name: string; ph: string; dur: number }) => event.name === 'load' && event.dur === 600_000,
  );
  const thread = traceEvents.find((event: { ph: string; tid?: number }) => event.ph === 'M' && event.tid === load.tid);
  expect(load).toMatchObject({ ph: 'X', ts: (START + 700) * 1000 });
  expect(thread.args.name).toBe('decode-0');
});
