export interface OneTokenRequest {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

const CHAT = (model: string): OneTokenRequest => ({
  path: '/v1/chat/completions',
  body: { model, messages: [{ role: 'user', content: 'hi' }], max_tokens: 1 },
});
const COMPLETION = (model: string): OneTokenRequest => ({
  path: '/v1/completions',
  body: { model, prompt: 'hi', max_tokens: 1 },
});
const EMBEDDING = (model: string): OneTokenRequest => ({ path: '/v1/embeddings', body: { model, input: 'hi' } });

/** Requests by the type under which a runtime registers a model; `Backend` is 0.4's word for chat and completions. */
const BY_TYPE: Readonly<Record<string, readonly ((model: string) => OneTokenRequest)[]>> = {
  Chat: [CHAT],
  Completions: [COMPLETION],
  Completion: [COMPLETION],
  Backend: [CHAT, COMPLETION],
  Embedding: [EMBEDDING],
  Embeddings: [EMBEDDING],
};

/**
 * The smallest requests that a model of these types must answer, the likeliest first. A model of no known type is tried with each; one
 * of types that have no such request (images, audio) gives none.
 */
export function oneTokenRequests(model: string, types: readonly string[]): readonly OneTokenRequest[] {
  if (types.length === 0) return [CHAT(model), COMPLETION(model), EMBEDDING(model)];
  const makers = Object.keys(BY_TYPE).flatMap((type) => (types.includes(type) ? (BY_TYPE[type] ?? []) : []));
  return [...new Set(makers)].map((make) => make(model));
}
