import { listedModels } from '../http/listed-models.ts';
import { sendRequest } from '../http/send-request.ts';
import type { Registration } from '../infra/parse-registration.ts';
import type { Clock } from '../model/clock.ts';
import { oneTokenRequests } from './one-token-requests.ts';

export interface RoutableOptions {
  readonly url: string;
  readonly clock: Clock;
  /** Milliseconds that a model, once listed, is left alone before it is asked. */
  readonly settleMs: number;
  /** What is registered now: names and types of the models. */
  readonly registrations: () => readonly Registration[];
  /** All registered models are in the frontend's list. */
  readonly onListed: (models: readonly string[]) => void;
  /** What a request got, in words. */
  readonly onAnswer: (answer: string) => void;
}

const POLL_MS = 50;
/** A frontend whose workers cannot be reached fails each request at once: it is asked ever less often, down to this. */
const FAILING_POLL_MS = 1000;
const LIST_TIMEOUT_MS = 2000;
/** One token of a model that loads lazily may take long; of one that is up it takes moments. */
const ANSWER_TIMEOUT_MS = 60_000;
/** Answers in a row that a model must give: old frontends answer once and fail again while a worker comes (facts/versions.md §4). */
const SUCCESSES = 2;

function parseModels(body: string): readonly string[] {
  try {
    return listedModels(JSON.parse(body));
  } catch {
    return [];
  }
}

/** The models that a frontend lists; none where it does not answer. */
export async function listModels(url: string, signal: AbortSignal): Promise<readonly string[]> {
  const result = await sendRequest({ url: `${url}/v1/models`, timeoutMs: LIST_TIMEOUT_MS }, signal);
  return result.kind === 'answer' && result.status === 200 ? parseModels(result.body) : [];
}

/** Models that a frontend will list: a prefill worker's card is no model of its own. */
function registeredModels(registrations: readonly Registration[]): ReadonlyMap<string, readonly string[]> {
  const types = new Map<string, readonly string[]>();
  for (const entry of registrations) {
    if (entry.kind !== 'model' || entry.types.every((type) => type === 'Prefill')) continue;
    types.set(entry.model, [...new Set([...(types.get(entry.model) ?? []), ...entry.types])]);
  }
  return types;
}

/** True when the model answers one request of a type that it has; a type that it is refused for is not its own. */
async function answers(options: RoutableOptions, model: string, signal: AbortSignal): Promise<boolean> {
  const requests = oneTokenRequests(model, registeredModels(options.registrations()).get(model) ?? []);
  for (const { path, body } of requests) {
    const result = await sendRequest(
      {
        url: `${options.url}${path}`,
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        timeoutMs: ANSWER_TIMEOUT_MS,
      },
      signal,
    );
    options.onAnswer(
      result.kind === 'answer' ? `HTTP ${result.status} ${result.body.slice(0, 200)}`.trim() : result.text,
    );
    if (result.kind === 'answer' && result.status === 200) return true;
    if (result.kind === 'failure' || (result.status !== 404 && result.status !== 400)) return false;
  }
  // Nothing that can be asked for one token (images, audio): its place in the list is all there is to see.
  return requests.length === 0;
}

/**
 * Waits until the frontend lists every registered model and each listed one answers requests: `/health` is 200 without any worker and a
 * list entry is no proof (facts/versions.md §4). Returns the models. Ends with the signal only.
 */
export async function waitRoutable(options: RoutableOptions, signal: AbortSignal): Promise<readonly string[]> {
  const { url, clock } = options;
  const listedAt = new Map<string, number>();
  const successes = new Map<string, number>();
  let listed = false;
  let failingMs = POLL_MS;
  for (;;) {
    signal.throwIfAborted();
    const models = await listModels(url, signal);
    const complete =
      models.length > 0 && [...registeredModels(options.registrations()).keys()].every((name) => models.includes(name));
    if (complete && !listed) options.onListed(models);
    listed ||= complete;
    let answered = false;
    let failed = false;
    for (const model of models) {
      const since = listedAt.get(model) ?? clock.now();
      listedAt.set(model, since);
      const before = successes.get(model) ?? 0;
      if (before >= SUCCESSES || clock.now() - since < options.settleMs) continue;
      const success = await answers(options, model, signal);
      successes.set(model, success ? before + 1 : 0);
      answered ||= success;
      failed ||= !success;
    }
    if (complete && models.every((model) => (successes.get(model) ?? 0) >= SUCCESSES)) return models;
    if (answered) failingMs = POLL_MS;
    else await clock.sleep(failed ? failingMs : POLL_MS, signal);
    if (failed) failingMs = Math.min(failingMs * 1.5, FAILING_POLL_MS);
  }
}
