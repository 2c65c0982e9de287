import { TIMELINE_STAGES, type Timeline, type TimelineStage } from '../model/timeline.ts';

/** The letter that stands for a stage in a bar. */
const LETTER: Readonly<Record<TimelineStage, string>> = {
  pull: 'p',
  create: 'c',
  start: 's',
  import: 'i',
  load: 'l',
  registered: 'r',
  listed: 'm',
  routable: 'a',
};
const MEANING: Readonly<Record<TimelineStage, string>> = {
  pull: 'pull',
  create: 'create',
  start: 'start',
  import: 'import',
  load: 'load',
  registered: 'registering',
  listed: 'until its model is listed',
  routable: 'until requests are answered',
};

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

function lanesOf(timeline: Timeline): readonly string[] {
  return [...new Set(timeline.spans.map(({ lane }) => lane))];
}

/** One lane as letters; a stage shorter than a column still has one where nothing else is. */
function drawLane(timeline: Timeline, lane: string, width: number): string {
  const cells = Array.from({ length: width }, () => ' ');
  const column = (ms: number) => Math.min(width - 1, Math.floor((ms / Math.max(1, timeline.totalMs)) * width));
  for (const { stage, startMs, endMs } of timeline.spans.filter((span) => span.lane === lane)) {
    const last = Math.max(column(startMs), column(endMs) - (endMs < timeline.totalMs ? 1 : 0));
    for (let at = column(startMs); at <= last; at += 1) cells[at] = LETTER[stage];
  }
  return cells.join('').trimEnd();
}

function compareWith(previous: Timeline | undefined, ms: number): string {
  if (previous === undefined || previous.totalMs === 0) return '';
  const change = Math.round((ms / previous.totalMs - 1) * 100);
  return `, the time before ${seconds(previous.totalMs)} (${change >= 0 ? '+' : ''}${change} %)`;
}

/** For people: a bar per replica, what the letters mean, and the critical path; no line is wider than `columns`. */
export function formatTimeline(timeline: Timeline, previous: Timeline | undefined, columns: number): string {
  const lanes = lanesOf(timeline);
  const nameWidth = Math.max(...lanes.map((lane) => lane.length));
  const width = Math.max(20, columns - nameWidth - 2);
  const used = TIMELINE_STAGES.filter((stage) => timeline.spans.some((span) => span.stage === stage));
  const totals = new Map(previous?.criticalPath.map((step) => [step.text, step.endMs - step.startMs]));
  const path = timeline.criticalPath.map(({ text, startMs, endMs }) => {
    const before = totals.get(text);
    const change = before === undefined ? '' : `  (before ${seconds(before)})`;
    return `  ${seconds(startMs).padStart(9)}  ${seconds(endMs - startMs).padStart(9)}  ${text}${change}`.slice(
      0,
      columns,
    );
  });
  return [
    `project ${timeline.project}: up after ${seconds(timeline.totalMs)}${compareWith(previous, timeline.totalMs)}`,
    '',
    ...lanes.map((lane) => `${lane.padEnd(nameWidth)}  ${drawLane(timeline, lane, width)}`.trimEnd()),
    '',
    ...used.map((stage) => `  ${LETTER[stage]}  ${MEANING[stage]}`),
    '',
    'critical path (since the start, took):',
    ...path,
    '',
  ].join('\n');
}

/** Chrome's trace event format (complete events, microseconds): chrome://tracing and Perfetto read it. */
export function toTrace(timeline: Timeline): object {
  const lanes = lanesOf(timeline);
  const event = (name: string, tid: number, startMs: number, endMs: number) => ({
    name,
    ph: 'X',
    pid: 1,
    tid,
    ts: (timeline.startedAt + startMs) * 1000,
    dur: (endMs - startMs) * 1000,
  });
  const named = (name: string, tid: number) => ({ name: 'thread_name', ph: 'M', pid: 1, tid, args: { name } });
  return {
    displayTimeUnit: 'ms',
    traceEvents: [
      { name: 'process_name', ph: 'M', pid: 1, args: { name: `dynamo ${timeline.project}` } },
      named('critical path', 0),
      ...lanes.map((lane, index) => named(lane, index + 1)),
      ...timeline.criticalPath.map(({ text, startMs, endMs }) => event(text, 0, startMs, endMs)),
      ...timeline.spans.map(({ lane, stage, startMs, endMs }) => event(stage, lanes.indexOf(lane) + 1, startMs, endMs)),
    ],
  };
}
