import { sendRequest } from '../http/send-request.ts';
import type { Clock } from '../model/clock.ts';

export interface RoutableOptions {
  readonly url: string;
  readonly clock: Clock;
  /** Milliseconds that a model, once listed, is left alone before it is asked. */
  readonly settleMs: number;
}

const POLL_MS = 50;
const LIST_TIMEOUT_MS = 2000;
/** One token of a model that loads lazily may take long; of one that is up it takes moments. */
const ANSWER_TIMEOUT_MS = 60_000;

function parseModels(body: string): readonly string[] {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed !== 'object' || parsed === null || !('data' in parsed) || !Array.isArray(parsed.data)) return [];
    return parsed.data.flatMap((entry: unknown) =>
      typeof entry === 'object' && entry !== null && 'id' in entry && typeof entry.id === 'string' ? [entry.id] : [],
    );
  } catch {
    return [];
  }
}

/** The models that a frontend lists. */
async function listModels(url: string, signal: AbortSignal): Promise<readonly string[]> {
  const result = await sendRequest({ url: `${url}/v1/models`, timeoutMs: LIST_TIMEOUT_MS }, signal);
  return result.kind === 'answer' && result.status === 200 ? parseModels(result.body) : [];
}

/** One-token requests of each type that a model may serve; the first that is not refused as unknown decides. */
const REQUESTS: readonly { readonly path: string; readonly body: (model: string) => object }[] = [
  {
    path: '/v1/chat/completions',
    body: (model) => ({ model, messages: [{ role: 'user', content: 'hi' }], max_tokens: 1 }),
  },
  { path: '/v1/completions', body: (model) => ({ model, prompt: 'hi', max_tokens: 1 }) },
  { path: '/v1/embeddings', body: (model) => ({ model, input: 'hi' }) },
];

async function answers(url: string, model: string, signal: AbortSignal): Promise<boolean> {
  for (const { path, body } of REQUESTS) {
    const result = await sendRequest(
      {
        url: `${url}${path}`,
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body(model)),
        timeoutMs: ANSWER_TIMEOUT_MS,
      },
      signal,
    );
    if (result.kind === 'answer' && result.status === 200) return true;
    if (result.kind === 'failure' || result.status !== 404) return false;
  }
  return false;
}

/**
 * Waits until the frontend lists a model and each listed model answers a request: `/health` is 200 without any worker and a list
 * entry is no proof (facts/versions.md §4). Returns the models. Ends with the signal only.
 */
export async function waitRoutable(options: RoutableOptions, signal: AbortSignal): Promise<readonly string[]> {
  const { url, clock } = options;
  const listedAt = new Map<string, number>();
  const proven = new Set<string>();
  for (;;) {
    signal.throwIfAborted();
    const models = await listModels(url, signal);
    for (const model of models) {
      const since = listedAt.get(model) ?? clock.now();
      listedAt.set(model, since);
      if (proven.has(model) || clock.now() - since < options.settleMs) continue;
      if (await answers(url, model, signal)) proven.add(model);
    }
    if (models.length > 0 && models.every((model) => proven.has(model))) return models;
    await clock.sleep(POLL_MS, signal);
  }
}
