import type { DynamoEvent, Stage } from '../model/event.ts';
import { LABEL } from '../model/labels.ts';
import { replicaId } from '../model/names.ts';
import type { Plan } from '../model/plan.ts';
import type { Timeline, TimelineSpan, TimelineStage } from '../model/timeline.ts';
import { findCriticalPath, type StepTimes } from './critical-path.ts';

interface Lane {
  readonly containers: Set<string>;
  readonly images: Set<string>;
}

/** Stages that a replica enters; each ends the stage of the same name. */
const RUNGS: readonly (readonly [stage: Stage, ends: TimelineStage])[] = [
  ['ready', 'load'],
  ['registered', 'registered'],
  ['listed', 'listed'],
  ['routable', 'routable'],
];

/** A subscriber of an `up`'s events that keeps when each stage began and ended. */
export class TimelineRecorder {
  #plan: Plan | undefined;
  #startedAt = 0;
  #endedAt: number | undefined;
  readonly #lanes = new Map<string, Lane>();
  readonly #steps = new Map<string, StepTimes>();
  readonly #entered = new Map<string, Map<Stage, number>>();
  readonly #firstProgress = new Map<string, number>();

  handle(event: DynamoEvent): void {
    if (this.#endedAt !== undefined) return;
    switch (event.type) {
      case 'plan':
        this.#plan = event.plan;
        this.#startedAt = event.time;
        for (const { operation } of event.plan.steps)
          if (operation.kind === 'createContainer') this.#addLane(operation.container);
        break;
      case 'step-started':
        this.#steps.set(event.id, { start: event.time, end: undefined });
        break;
      case 'step-finished':
        this.#steps.set(event.id, { start: event.time - event.durationMs, end: event.time });
        break;
      case 'replica-stage':
        this.#enter(event.replica, event.stage, event.time);
        break;
      case 'progress':
        if (!this.#firstProgress.has(event.replica)) this.#firstProgress.set(event.replica, event.time);
        break;
      case 'graph-ready':
        this.#endedAt = event.time;
        break;
      default:
    }
  }

  #addLane(container: {
    readonly name: string;
    readonly image: string;
    readonly labels: Readonly<Record<string, string>>;
  }) {
    const component = container.labels[LABEL.component] ?? container.name;
    const isInfra = container.labels[LABEL.role] === 'infra';
    const id = isInfra ? component : replicaId(component, Number(container.labels[LABEL.replica] ?? 0));
    const lane = this.#lanes.get(id) ?? { containers: new Set(), images: new Set() };
    lane.containers.add(container.name);
    lane.images.add(container.image);
    this.#lanes.set(id, lane);
  }

  #enter(replica: string, stage: Stage, time: number): void {
    const stages = this.#entered.get(replica) ?? new Map<Stage, number>();
    if (!stages.has(stage)) stages.set(stage, time);
    this.#entered.set(replica, stages);
  }

  /** The whole run; undefined before the graph was up, and where nothing was created. */
  finish(): Timeline | undefined {
    if (this.#plan === undefined || this.#endedAt === undefined || this.#lanes.size === 0) return undefined;
    const since = (time: number) => Math.max(0, time - this.#startedAt);
    return {
      project: this.#plan.project,
      startedAt: this.#startedAt,
      totalMs: since(this.#endedAt),
      spans: [...this.#lanes].flatMap(([id, lane]) =>
        this.#spansOf(id, lane).map(({ startMs, endMs, ...span }) => ({
          ...span,
          startMs: since(startMs),
          endMs: since(endMs),
        })),
      ),
      criticalPath: findCriticalPath(this.#plan.steps, this.#steps).map(({ text, startMs, endMs }) => ({
        text,
        startMs: since(startMs),
        endMs: since(endMs),
      })),
    };
  }

  /** Spans of one lane in milliseconds since the epoch. */
  #spansOf(id: string, lane: Lane): readonly TimelineSpan[] {
    const spans: TimelineSpan[] = [];
    const add = (stage: TimelineStage, startMs: number | undefined, endMs: number | undefined) => {
      if (startMs !== undefined && endMs !== undefined && endMs >= startMs)
        spans.push({ lane: id, stage, startMs, endMs });
    };
    const around = (stage: TimelineStage, ids: readonly string[]) => {
      const times = ids.flatMap((step) => this.#steps.get(step) ?? []);
      const ends = times.flatMap(({ end }) => end ?? []);
      if (ends.length > 0) add(stage, Math.min(...times.map(({ start }) => start)), Math.max(...ends));
      return ends.length > 0 ? Math.max(...ends) : undefined;
    };
    const containers = [...lane.containers];
    around(
      'pull',
      [...lane.images].map((image) => `pullImage:${image}`),
    );
    around(
      'create',
      containers.map((name) => `createContainer:${name}`),
    );
    const started = around(
      'start',
      containers.map((name) => `startContainer:${name}`),
    );
    const entered = this.#entered.get(id);
    let from = entered?.get('started') ?? started;
    const ready = entered?.get('ready');
    const progress = this.#firstProgress.get(id);
    if (from !== undefined && ready !== undefined && progress !== undefined && progress > from && progress < ready) {
      add('import', from, progress);
      from = progress;
    }
    for (const [stage, ends] of RUNGS) {
      const at = entered?.get(stage);
      if (at === undefined) continue;
      add(ends, from, at);
      from = at;
    }
    return spans;
  }
}
