import { type IncomingMessage, request as requestHttp } from 'node:http';

export interface OpenOptions {
  readonly url: string;
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD';
  /** A list sends the header several times. `host` overrides the one of the URL. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string;
}

/**
 * Sends a request on a connection of its own and resolves with the head of the answer. node:http itself: the global fetch loads a
 * client of its own first, which costs every command that asks once, and hides why a connection failed. TLS is loaded where it is used.
 */
export async function openResponse(options: OpenOptions, signal: AbortSignal): Promise<IncomingMessage> {
  const url = new URL(options.url);
  const send = url.protocol === 'https:' ? (await import('node:https')).request : requestHttp;
  return new Promise((resolve, reject) => {
    // Some headers (`host`) are refused as a list, even of one.
    const headers = Object.entries(options.headers ?? {}).map(([name, value]) => {
      const values = typeof value === 'string' ? [value] : [...value];
      return [name, values.length === 1 ? values[0] : values];
    });
    const request = send(
      url,
      {
        method: options.method ?? 'GET',
        headers: { 'user-agent': 'dynamo', ...Object.fromEntries(headers) },
        agent: false,
        signal,
        // A kubelet does not verify the certificates of the pods it probes (pkg/probe/http/http.go); these are our own containers.
        rejectUnauthorized: false,
      },
      resolve,
    );
    request.once('error', reject);
    request.end(options.body);
  });
}
