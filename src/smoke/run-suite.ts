import { setMaxListeners } from 'node:events';
import { listedModels } from '../http/listed-models.ts';
import type { Clock } from '../model/clock.ts';
import { UserError } from '../model/diagnostic.ts';
import { get, readObject } from './ask.ts';
import {
  type Check,
  checkBadJson,
  checkChat,
  checkCompletions,
  checkConcurrent,
  checkEmbeddings,
  checkHealth,
  checkMetrics,
  checkModels,
  checkStream,
  checkUnknownModel,
} from './frontend-checks.ts';
import { type CheckResult, fail, type SmokeContext, type SmokeTarget, skip, type Verdict } from './smoke-check.ts';
import { checkKvWarm, checkPrefill, checkWorkers } from './worker-checks.ts';

/** In the order in which they run. Requests that hang an old engine for good are not among them (facts/versions.md §9). */
const CHECKS: Readonly<Record<string, Check>> = {
  health: checkHealth,
  models: checkModels,
  chat: checkChat,
  stream: checkStream,
  completions: checkCompletions,
  embeddings: checkEmbeddings,
  'unknown-model': checkUnknownModel,
  'bad-json': checkBadJson,
  concurrent: checkConcurrent,
  workers: checkWorkers,
  prefill: checkPrefill,
  'kv-warm': checkKvWarm,
  metrics: checkMetrics,
};
/** Asked of every model that is listed; the others look at the graph, and ask the first one. */
const PER_MODEL: ReadonlySet<string> = new Set(['chat', 'stream', 'completions', 'embeddings']);
const NEEDS_NO_MODEL: ReadonlySet<string> = new Set(['health', 'models', 'unknown-model', 'bad-json', 'metrics']);

/** Names for `--only`; throws SMOKE_CHECK (exit 2) for one that there is not. */
export function chooseChecks(only: string | undefined): readonly string[] {
  const known = Object.keys(CHECKS);
  if (only === undefined) return known;
  const names = only.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return known.filter((name) => names.includes(name));
  throw new UserError('SMOKE_CHECK', `there is no check "${unknown}"`, { hint: `there are: ${known.join(', ')}` });
}

/** Asks one thing after the other, and tells each verdict as it comes. Nothing is tried twice: who calls has waited until the graph was routable. */
export async function runSuite(
  target: SmokeTarget,
  names: readonly string[],
  clock: Clock,
  signal: AbortSignal,
  tell: (result: CheckResult) => void = () => undefined,
): Promise<readonly CheckResult[]> {
  // Each request that is under way listens on it, and some checks ask for many at once.
  setMaxListeners(0, signal);
  const list = await get(`${target.url}/v1/models`, signal);
  const models = listedModels(readObject(list));
  const context: SmokeContext = { ...target, model: models[0] ?? '', clock, signal };
  const results: CheckResult[] = [];
  for (const name of names) {
    const startedAt = clock.now();
    const silent = list.kind === 'failure' && results.length > 0;
    const verdict = silent ? skip(`not asked: ${target.url} does not answer`) : await judge(name, context, models);
    const result = { check: name, ...verdict, durationMs: clock.now() - startedAt };
    results.push(result);
    tell(result);
  }
  return results;
}

async function judge(name: string, context: SmokeContext, models: readonly string[]): Promise<Verdict> {
  const check = CHECKS[name];
  if (check === undefined) return skip('there is no such check');
  if (models.length === 0 && !NEEDS_NO_MODEL.has(name)) return fail('no model is listed');
  if (models.length < 2 || !PER_MODEL.has(name)) return check(context);
  const verdicts: Verdict[] = [];
  for (const model of models) {
    const { outcome, detail } = await check({ ...context, model });
    verdicts.push({ outcome, detail: `${model}: ${detail}` });
  }
  const worst = (['fail', 'pass', 'skip'] as const).find((outcome) =>
    verdicts.some((verdict) => verdict.outcome === outcome),
  );
  return { outcome: worst ?? 'skip', detail: verdicts.map(({ detail }) => detail).join('; ') };
}
