import { sendRequest } from '../http/send-request.ts';
import type { ProbeHandler } from '../model/probe.ts';
import type { ProbeAnswer, ProbeTarget } from './probe-answer.ts';

type HttpGet = Extract<ProbeHandler, { readonly kind: 'httpGet' }>;

/** IPv6 literals stand in brackets in a URL. */
function bracket(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** 200 to 399 is a success (pkg/probe/http/http.go DoHTTPProbe). Redirects are not followed: their status already counts. */
export async function probeHttpGet(
  handler: HttpGet,
  target: ProbeTarget,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProbeAnswer> {
  const place = handler.host === undefined ? target.resolve(handler.port) : { host: handler.host, port: handler.port };
  if (!place) return { ok: false, answer: `port ${handler.port} is not reachable` };
  const path = handler.path.startsWith('/') ? handler.path : `/${handler.path}`;
  const result = await sendRequest(
    {
      url: `${handler.scheme.toLowerCase()}://${bracket(place.host)}:${place.port}${path}`,
      headers: { 'user-agent': 'kube-probe/dynamo', accept: '*/*', ...Object.fromEntries(handler.headers) },
      timeoutMs,
      maxBytes: 10 * 1024,
    },
    signal,
  );
  if (result.kind === 'failure') return { ok: false, answer: result.text };
  return { ok: result.status >= 200 && result.status < 400, answer: `HTTP ${result.status}` };
}
