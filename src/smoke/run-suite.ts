import type { Clock } from '../model/clock.ts';
import { UserError } from '../model/diagnostic.ts';
import { firstOf, get, readObject } from './ask.ts';
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

/** Asks one thing after the other. Nothing is tried twice: who calls has waited until the graph was routable. */
export async function runSuite(
  target: SmokeTarget,
  names: readonly string[],
  clock: Clock,
  signal: AbortSignal,
): Promise<readonly CheckResult[]> {
  const id = firstOf(readObject(await get(`${target.url}/v1/models`, signal)), 'data')?.id;
  const context: SmokeContext = { ...target, model: typeof id === 'string' ? id : '', clock, signal };
  const results: CheckResult[] = [];
  for (const name of names) {
    const startedAt = clock.now();
    const verdict = await judge(name, context);
    results.push({ check: name, ...verdict, durationMs: clock.now() - startedAt });
  }
  return results;
}

async function judge(name: string, context: SmokeContext): Promise<Verdict> {
  const check = CHECKS[name];
  if (check === undefined) return skip('there is no such check');
  return context.model === '' && !NEEDS_NO_MODEL.has(name) ? fail('no model is listed') : check(context);
}
