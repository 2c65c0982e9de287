import { chatBody, describeResult, get, post } from './ask.ts';
import type { Check } from './frontend-checks.ts';
import { countRequests, parseMetrics } from './parse-metrics.ts';
import { fail, pass, type SmokeContext, type SmokeWorker, skip } from './smoke-check.ts';

/** Requests per worker: round-robin reaches each with one, random with all but one in 10⁴ graphs of two. */
const PER_WORKER = 8;
/** Counters move when a request ends, which the client may see first. */
const SETTLE_MS = 2000;
const POLL_MS = 50;

/** Requests that a worker has served since it began; in words, why they cannot be read. */
export async function readServed({ id, metricsUrl }: SmokeWorker, signal: AbortSignal): Promise<number | string> {
  const result = await get(metricsUrl, signal);
  if (result.kind === 'failure' || result.status !== 200) return `metrics of ${id}: ${describeResult(result)}`;
  const samples = parseMetrics(result.body);
  return samples === undefined ? `metrics of ${id} are not in the format of Prometheus` : countRequests(samples);
}

type Counts = ReadonlyMap<string, number>;

async function readCounts(context: SmokeContext, workers: readonly SmokeWorker[]): Promise<Counts | string> {
  const counts = await Promise.all(workers.map(async (worker) => readServed(worker, context.signal)));
  const problem = counts.find((count) => typeof count === 'string');
  if (typeof problem === 'string') return problem;
  return new Map(workers.map(({ id }, index) => [id, Number(counts[index])]));
}

interface Requests {
  readonly count: number;
  readonly prompt?: (index: number) => string;
  /** All at once, where a router weighs what its workers are busy with; else one after the other. */
  readonly atOnce?: boolean;
}

async function ask(context: SmokeContext, { count, prompt, atOnce }: Requests): Promise<string | undefined> {
  const text = prompt ?? ((index: number) => `Smoke ${context.clock.now()}-${index}: say something new.`);
  const one = async (index: number): Promise<string | undefined> => {
    const result = await post(context, '/v1/chat/completions', chatBody(context.model, text(index)));
    const isAnswer = result.kind !== 'failure' && result.status === 200;
    return isAnswer ? undefined : `request ${index + 1}: ${describeResult(result)}`;
  };
  const indexes = Array.from({ length: count }, (_, index) => index);
  if (atOnce) return (await Promise.all(indexes.map(one))).find((problem) => problem !== undefined);
  for (const index of indexes) {
    const problem = await one(index);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** How far each worker's counter moved while the requests were answered; waits until `enough` or the settling time is over. */
async function countWhile(
  context: SmokeContext,
  workers: readonly SmokeWorker[],
  requests: Requests,
  enough: (moved: Counts) => boolean,
): Promise<Counts | string> {
  const before = await readCounts(context, workers);
  if (typeof before === 'string') return before;
  const problem = await ask(context, requests);
  if (problem !== undefined) return problem;
  const giveUpAt = context.clock.now() + SETTLE_MS;
  for (;;) {
    const after = await readCounts(context, workers);
    if (typeof after === 'string') return after;
    const moved = new Map([...after].map(([id, count]) => [id, count - (before.get(id) ?? 0)]));
    if (enough(moved) || context.clock.now() >= giveUpAt) return moved;
    await context.clock.sleep(POLL_MS, context.signal);
  }
}

function sum(counts: Counts): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}

function describe(counts: Counts): string {
  return [...counts].map(([id, count]) => `${id} +${count}`).join(', ');
}

/**
 * Every worker that answers has served. A KV router keeps to one worker for prompts that are alike and come one by one
 * (facts/versions.md §5): it gets long ones without a common beginning, all at once, so that it must weigh what each is busy with.
 */
export const checkWorkers: Check = async (context) => {
  const workers = context.workers.filter(({ role }) => role === 'aggregated' || role === 'decode');
  if (workers.length === 0) return skip('no worker whose counters can be read');
  const count = workers.length * PER_WORKER;
  const requests =
    context.routerMode === 'kv'
      ? { count, atOnce: true, prompt: (index: number) => longPrompt(`${index}x${context.clock.now() % 9973}`) }
      : { count };
  const enough = (moved: Counts) => sum(moved) >= count && [...moved.values()].every((served) => served > 0);
  const moved = await countWhile(context, workers, requests, enough);
  if (typeof moved === 'string') return fail(moved);
  return enough(moved) ? pass(describe(moved)) : fail(`of ${count} requests: ${describe(moved)}`);
};

/** Prefill workers really get the prompts: their own counters move (facts/versions.md §5). */
export const checkPrefill: Check = async (context) => {
  const workers = context.workers.filter(({ role }) => role === 'prefill');
  if (workers.length === 0) return skip('no prefill worker whose counters can be read');
  const moved = await countWhile(context, workers, { count: PER_WORKER }, (counts) => sum(counts) >= PER_WORKER);
  if (typeof moved === 'string') return fail(moved);
  return sum(moved) > 0 ? pass(describe(moved)) : fail(`${PER_WORKER} requests passed by: ${describe(moved)}`);
};

/** Words of a prompt that fills several cache blocks of every backend (16 to 64 tokens each), and fits every context. */
const LONG_PROMPT_WORDS = 150;

/** Differs from others of another seed from its first word on. */
function longPrompt(seed: string): string {
  return Array.from({ length: LONG_PROMPT_WORDS }, (_, index) => `${seed}-${index}`).join(' ');
}

/** A router hears of new blocks by an event. */
const CACHE_EVENT_MS = 500;

/** Which worker holds a prompt in its cache is what a KV router looks at: the same long prompt goes to the same worker again. */
export const checkKvWarm: Check = async (context) => {
  if (context.routerMode !== 'kv') return skip('the router does not look at KV caches');
  const prefill = context.workers.filter(({ role }) => role === 'prefill');
  const workers = prefill.length > 0 ? prefill : context.workers.filter(({ role }) => role === 'aggregated');
  if (workers.length < 2) return skip('there is only one worker that could hold a prompt');
  const text = longPrompt(`${context.clock.now() % 9973}`);
  const prompt = () => text;
  const first = await countWhile(context, workers, { count: 1, prompt }, (moved) => sum(moved) > 0);
  if (typeof first === 'string') return fail(first);
  await context.clock.sleep(CACHE_EVENT_MS, context.signal);
  const again = await countWhile(context, workers, { count: PER_WORKER, prompt }, (moved) => sum(moved) >= PER_WORKER);
  if (typeof again === 'string') return fail(again);
  const strayed = [...again].some(([id, count]) => count > 0 && (first.get(id) ?? 0) === 0);
  const seen = `first ${describe(first)}; again ${describe(again)}`;
  return strayed || sum(again) === 0 ? fail(`the warm worker is not preferred: ${seen}`) : pass(seen);
};
