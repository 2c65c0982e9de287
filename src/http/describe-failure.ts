/** Why there is no answer. `protocol`: something is there that speaks another language, as TLS where it is not expected. */
type FailureReason = 'refused' | 'timeout' | 'reset' | 'dns' | 'protocol' | 'other';

export interface Failure {
  readonly reason: FailureReason;
  /** A few words for people. */
  readonly text: string;
}

const REASONS: Readonly<Record<string, FailureReason>> = {
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'refused',
  ENETUNREACH: 'refused',
  EHOSTDOWN: 'refused',
  ETIMEDOUT: 'timeout',
  ECONNRESET: 'reset',
  ECONNABORTED: 'reset',
  EPIPE: 'reset',
  ERR_STREAM_PREMATURE_CLOSE: 'reset',
  ERR_HTTP2_GOAWAY_SESSION: 'reset',
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  EPROTO: 'protocol',
  ERR_HTTP2_ERROR: 'protocol',
  ERR_SSL_WRONG_VERSION_NUMBER: 'protocol',
};

const TEXT: Readonly<Record<Exclude<FailureReason, 'other'>, string>> = {
  refused: 'connection refused',
  timeout: 'no answer in time',
  reset: 'connection reset',
  dns: 'name does not resolve',
  protocol: 'answers, but not in the protocol that was asked for',
};

export const TIMED_OUT: Failure = { reason: 'timeout', text: TEXT.timeout };

/** What a thrown error of node's network modules means. */
export function describeFailure(error: unknown): Failure {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  // HPE_*: the parser of HTTP met something else. ERR_SSL_*: the same for TLS.
  const reason = REASONS[code] ?? (/^(?:HPE|ERR_SSL|ERR_HTTP2)_/.test(code) ? 'protocol' : 'other');
  if (reason !== 'other') return { reason, text: TEXT[reason] };
  return { reason, text: error instanceof Error ? error.message : String(error) };
}
