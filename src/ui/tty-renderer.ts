import { Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import type { DynamoEvent, Stage } from '../model/event.ts';
import type { Plan } from '../model/plan.ts';
import { describeEvent, formatDuration, formatPull } from './describe-event.ts';
import type { Renderer, Terminal } from './event-renderer.ts';
import { LinesAbove } from './lines-above.ts';
import { createLogWriter } from './log-writer.ts';
import { sourcesOf } from './plain-renderer.ts';

/** How often the elapsed times are brought up to date, in milliseconds. */
const TICK_MS = 200;
/** The rungs on which a row may end. */
const RUNGS: readonly Stage[] = ['ready', 'registered', 'listed', 'routable'];

interface Row {
  readonly name: string;
  readonly gpus: string;
  /** The stage with which it is done. */
  readonly goal: Stage;
  detail: string;
  /** When its first step began. */
  since: number | undefined;
  ended: number | undefined;
  readonly settled: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  show: ((title: string) => void) | undefined;
}

function makeRow(name: string, gpus: string, goal: Stage = 'ready'): Row {
  let resolve = (): void => undefined;
  let reject: (error: Error) => void = () => undefined;
  const settled = new Promise<void>((onDone, onFailed) => {
    resolve = onDone;
    reject = onFailed;
  });
  settled.catch(() => undefined);
  return {
    name,
    gpus,
    goal,
    detail: 'waiting',
    since: undefined,
    ended: undefined,
    settled,
    resolve,
    reject,
    show: undefined,
  };
}

/** A row for each image to pull, for etcd and NATS, and for each replica that is waited for. */
function rowsOf(plan: Plan): readonly Row[] {
  return plan.steps.flatMap(({ operation, target, after }) => {
    if (operation.kind === 'pullImage') return [makeRow(operation.image, '')];
    if (operation.kind === 'waitHealthy') return [makeRow(target, '')];
    if (operation.kind !== 'waitReady') return [];
    const names = new Set(after.map((id) => id.replace(/^startContainer:/, '')));
    const gpus = plan.steps.reduce(
      (sum, step) =>
        sum +
        (step.operation.kind === 'createContainer' && names.has(step.operation.container.name)
          ? step.operation.container.gpus.length
          : 0),
      0,
    );
    return [makeRow(target, gpus === 0 ? '' : gpus === 1 ? '1 GPU' : `${gpus} GPUs`, goalOf(plan, target))];
  });
}

/** The last rung that the plan waits for. */
function goalOf(plan: Plan, replica: string): Stage {
  if (plan.steps.some(({ operation }) => operation.kind === 'waitRoutable')) return 'routable';
  const registers = ({ operation, target }: Plan['steps'][number]) =>
    operation.kind === 'waitRegistered' && target === replica;
  return plan.steps.some(registers) ? 'registered' : 'ready';
}

/** Rows that are brought up to date in place, logs above them; once the graph is up the rows stay and lines follow them. */
export async function createTtyRenderer(terminal: Terminal, color: boolean): Promise<Renderer> {
  const { DefaultRenderer, Listr, ListrLogger, ProcessOutput } = await import('listr2');
  const above = new LinesAbove(terminal);
  const lines = new Writable({
    decodeStrings: false,
    write: (chunk: string, _, done) => {
      if (running) above.writeAbove(chunk);
      else terminal.write(chunk);
      done();
    },
  });
  /** listr2 looks at stdout to see whether rows can be drawn; these are drawn on stderr. */
  class StderrRenderer extends DefaultRenderer {
    static override nonTTY = true;
  }
  let rows: readonly Row[] = [];
  let running: Promise<unknown> | undefined;
  let ticking: NodeJS.Timeout | undefined;
  let writeLog = createLogWriter(lines, [], { color });

  const titleOf = (row: Row, now: number): string => {
    const width = Math.max(...rows.map(({ name }) => name.length));
    const elapsed = row.since === undefined ? '' : formatDuration((row.ended ?? now) - row.since);
    const title = [row.name.padEnd(width), row.detail.padEnd(10), row.gpus, elapsed]
      .filter((cell) => cell !== '')
      .join('  ');
    // An icon and a blank stand before it; a row that wrapped could not be erased.
    return title.slice(0, above.columns - 4);
  };
  const refresh = () => {
    for (const row of rows) row.show?.(titleOf(row, Date.now()));
  };

  const start = (plan: Plan) => {
    rows = rowsOf(plan);
    if (rows.length === 0) return;
    const sink = new Writable({ write: (_chunk, _encoding, done) => done() });
    // listr2 asks for terminals; it uses no more of them than write, columns and rows.
    const output = new ProcessOutput(above as unknown as NodeJS.WriteStream, sink as unknown as NodeJS.WriteStream);
    running = new Listr(
      rows.map((row) => ({
        title: titleOf(row, Date.now()),
        task: (_: unknown, task: { title: string }) => {
          row.show = (title) => {
            task.title = title;
          };
          // Events may have come before listr2 began with the row.
          row.show(titleOf(row, Date.now()));
          return row.settled;
        },
      })),
      {
        concurrent: true,
        renderer: StderrRenderer,
        exitOnError: false,
        registerSignalListeners: false,
        rendererOptions: {
          logger: new ListrLogger({ useIcons: true, toStderr: [], processOutput: output }),
          showErrorMessage: false,
        },
      },
    )
      .run()
      .catch(() => undefined)
      // listr2 has drawn them for the last time, and would draw them once more below that.
      .then(() => {
        for (const row of rows) row.show = undefined;
      });
    ticking = setInterval(refresh, TICK_MS);
  };

  /** Ends the rows as they are: done, or failed when something did. */
  const finish = async (failed: boolean) => {
    if (!running) return;
    refresh();
    clearInterval(ticking);
    for (const row of rows) {
      if (failed && row.ended === undefined) row.reject(new Error('failed'));
      else row.resolve();
    }
    await running;
    above.leave();
    running = undefined;
  };

  const isDone = (name: string, stage: Stage) => {
    const goal = rows.find((entry) => entry.name === name)?.goal ?? 'ready';
    return RUNGS.includes(stage) && RUNGS.indexOf(stage) >= RUNGS.indexOf(goal);
  };

  const change = (name: string, detail: string, time: number, done: boolean) => {
    const row = rows.find((entry) => entry.name === name);
    if (!row) return false;
    row.since ??= time;
    row.detail = detail;
    if (done) {
      row.ended ??= time;
      row.resolve();
    }
    row.show?.(titleOf(row, time));
    return true;
  };

  /** What a replica's log says it does stands behind its stage until the next one. */
  const show = (name: string, text: string) => {
    const row = rows.find((entry) => entry.name === name);
    if (!row || row.ended !== undefined || row.since === undefined) return;
    row.detail = `${row.detail.split(' · ')[0] ?? ''} · ${text}`;
    row.show?.(titleOf(row, Date.now()));
  };

  /** Events come faster than listr2 ends its frame: what follows a finish waits for it. */
  let queue = Promise.resolve();
  const handle = async (event: DynamoEvent) => {
    switch (event.type) {
      case 'plan':
        writeLog = createLogWriter(lines, sourcesOf(event), { color });
        return start(event.plan);
      case 'log':
        return writeLog(event.source, color ? event.line : stripVTControlCharacters(event.line));
      case 'pull-progress':
        return void change(event.image, formatPull(event), event.time, false);
      case 'progress':
        if (running) show(event.replica, event.text);
        return;
      case 'step-finished':
        if (event.kind === 'pullImage') change(event.target, 'pulled', event.time, true);
        return;
      case 'replica-stage':
        if (
          running &&
          change(event.replica, event.stage, event.time, isDone(event.replica, event.stage)) &&
          !event.detail
        )
          return;
        break;
      case 'graph-ready':
      case 'done':
        await finish(false);
        break;
      case 'stopping':
      case 'failed':
        await finish(true);
        break;
      default:
    }
    const text = describeEvent(event);
    if (text !== undefined) lines.write(`${text}\n`);
  };
  return {
    handle: (event) => {
      // While nothing is being finished, lines keep their order without waiting.
      queue = queue.then(() => handle(event)).catch(() => undefined);
    },
    close: async () => {
      await queue;
      await finish(true);
    },
  };
}
