import { sendRequest } from '../http/send-request.ts';
import type { ProbeHandler } from '../model/probe.ts';
import type { ProbeAnswer, ProbeTarget } from './probe-answer.ts';

type HttpGet = Extract<ProbeHandler, { readonly kind: 'httpGet' }>;

/** pkg/probe/http/http.go maxRespBodyLength: what comes after it is not waited for. */
const MAX_BODY_BYTES = 10 * 1024;
/** net/http's default, which pkg/probe/http/http.go RedirectChecker keeps. */
const MAX_REDIRECTS = 9;

/**
 * 200 to 399 is a success (pkg/probe/http/http.go DoHTTPProbe). Redirects are followed as long as they stay on the host; one to another
 * host is not, and is a success with a warning. Certificates are not verified.
 */
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
      headers: probeHeaders(handler.headers),
      timeoutMs,
      maxBytes: MAX_BODY_BYTES,
      redirects: MAX_REDIRECTS,
    },
    signal,
  );
  if (result.kind === 'failure') return { ok: false, answer: result.text };
  const { status } = result;
  const away = status >= 300 && status < 400 && result.headers.location !== undefined;
  const answer = `HTTP ${status}${away ? ` to another host: ${String(result.headers.location).slice(0, 100)}` : ''}`;
  return { ok: status >= 200 && status < 400, answer };
}

/** IPv6 literals stand in brackets in a URL. */
function bracket(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

/** A name that comes twice is sent twice; what the probe says of User-Agent and Accept replaces the kubelet's, an empty value removes it. */
function probeHeaders(written: HttpGet['headers']): Readonly<Record<string, readonly string[]>> {
  const headers = new Map<string, readonly string[]>();
  for (const [name, value] of written) {
    headers.set(name.toLowerCase(), [...(headers.get(name.toLowerCase()) ?? []), value]);
  }
  if (!headers.has('user-agent')) headers.set('user-agent', ['kube-probe/dynamo']);
  if (!headers.has('accept')) headers.set('accept', ['*/*']);
  for (const name of ['user-agent', 'accept']) {
    if (headers.get(name)?.every((value) => value === '')) headers.delete(name);
  }
  return Object.fromEntries(headers);
}
