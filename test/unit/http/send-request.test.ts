import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { sendRequest } from '../../../src/http/send-request.ts';
import { listen } from './listen.ts';
import { SELF_SIGNED } from './self-signed.ts';

const { signal } = new AbortController();
const timeoutMs = 2000;

function serve(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  return listen(createServer(answer));
}

async function readAll(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

describe('sendRequest', () => {
  test('gives status, headers and body', async () => {
    await using server = await serve((_, response) => {
      response.writeHead(503, { 'x-reason': 'loading' }).end('{"status":"notready"}');
    });
    expect(await sendRequest({ url: `http://127.0.0.1:${server.port}/health`, timeoutMs }, signal)).toMatchObject({
      kind: 'answer',
      status: 503,
      headers: { 'x-reason': 'loading' },
      body: '{"status":"notready"}',
      truncated: false,
    });
  });

  test('sends method, headers, repeated ones too, and body', async () => {
    const seen: unknown[] = [];
    await using server = await serve(async (request, response) => {
      seen.push(
        request.method,
        request.url,
        request.headers.host,
        request.rawHeaders.filter((_, i, all) => all[i - 1] === 'x-a'),
      );
      seen.push(await readAll(request));
      response.end();
    });
    const request = {
      url: `http://127.0.0.1:${server.port}/v1/x?y=1`,
      method: 'POST',
      headers: { host: 'model.example', 'x-a': ['1', '2'] },
      body: '{}',
      timeoutMs,
    } as const;
    expect(await sendRequest(request, signal)).toMatchObject({ status: 200 });
    expect(seen).toEqual(['POST', '/v1/x?y=1', 'model.example', ['1', '2'], '{}']);
  });

  test('a closed port is refused', async () => {
    const server = await serve((_, response) => response.end());
    await server[Symbol.asyncDispose]();
    const result = await sendRequest({ url: `http://127.0.0.1:${server.port}/`, timeoutMs }, signal);
    expect(result).toEqual({ kind: 'failure', reason: 'refused', text: 'connection refused' });
  });

  test.each([
    ['no head', () => undefined],
    ['a body that does not end', (response: ServerResponse) => response.write('x')],
  ])('a server that gives %s is not waited for longer than it may take', async (_, answer) => {
    await using server = await serve((__, response) => {
      answer(response);
    });
    const result = await sendRequest({ url: `http://127.0.0.1:${server.port}/`, timeoutMs: 80 }, signal);
    expect(result).toMatchObject({ kind: 'failure', reason: 'timeout' });
  });

  test('a connection that breaks is a reset, in the head and in the body', async () => {
    await using early = await serve((request) => request.socket.destroy());
    await using late = await serve((request, response) => {
      response.write('x', () => request.socket.destroy());
    });
    for (const { port } of [early, late]) {
      const result = await sendRequest({ url: `http://127.0.0.1:${port}/`, timeoutMs }, signal);
      expect(result).toMatchObject({ kind: 'failure', reason: 'reset' });
    }
  });

  test('something that speaks no HTTP is told apart', async () => {
    await using server = await listen(createTcpServer((socket) => socket.end('SSH-2.0-OpenSSH\r\n')));
    for (const scheme of ['http', 'https']) {
      const result = await sendRequest({ url: `${scheme}://127.0.0.1:${server.port}/`, timeoutMs }, signal);
      expect(result).toMatchObject({ kind: 'failure', reason: 'protocol' });
    }
  });

  test('a name that does not resolve is told apart', async () => {
    const result = await sendRequest({ url: 'http://nobody.invalid/', timeoutMs: 10_000 }, signal);
    expect(result).toMatchObject({ kind: 'failure', reason: 'dns' });
  });

  test('an address that is none is a failure and no exception', async () => {
    expect(await sendRequest({ url: 'http://', timeoutMs }, signal)).toMatchObject({
      kind: 'failure',
      reason: 'other',
    });
  });

  test('certificates are not verified', async () => {
    await using server = await listen(createTlsServer(SELF_SIGNED, (_, response) => response.end('secret')));
    const result = await sendRequest({ url: `https://127.0.0.1:${server.port}/`, timeoutMs }, signal);
    expect(result).toMatchObject({ status: 200, body: 'secret' });
  });

  test('no more of a body is read than asked for, even when it never ends', async () => {
    await using server = await serve((_, response) => {
      const timer = setInterval(() => response.write('x'.repeat(1000)), 1);
      response.once('close', () => clearInterval(timer));
    });
    const result = await sendRequest({ url: `http://127.0.0.1:${server.port}/`, timeoutMs, maxBytes: 2500 }, signal);
    expect(result).toEqual(expect.objectContaining({ status: 200, body: 'x'.repeat(2500), truncated: true }));
  });

  test('rejects when it is told to end, before and while it waits', async () => {
    await using server = await serve(() => undefined);
    const stop = new AbortController();
    const waiting = sendRequest({ url: `http://127.0.0.1:${server.port}/`, timeoutMs }, stop.signal);
    setTimeout(() => stop.abort(new Error('enough')), 30);
    await expect(waiting).rejects.toThrow('enough');
    await expect(sendRequest({ url: 'http://127.0.0.1:1/', timeoutMs }, stop.signal)).rejects.toThrow('enough');
  });
});

describe('redirects', () => {
  const redirectTo = (location: string, hops: string[]) => (request: IncomingMessage, response: ServerResponse) => {
    hops.push(request.url ?? '');
    if (request.url === '/end') response.end('there');
    else response.writeHead(302, { location }).end();
  };

  test('are answers when nobody asked to follow them', async () => {
    const hops: string[] = [];
    await using server = await serve(redirectTo('/end', hops));
    const result = await sendRequest({ url: `http://127.0.0.1:${server.port}/a`, timeoutMs }, signal);
    expect(result).toMatchObject({ status: 302, headers: { location: '/end' } });
    expect(hops).toEqual(['/a']);
  });

  test('are followed on the same host', async () => {
    const hops: string[] = [];
    await using server = await serve(redirectTo('/end', hops));
    const result = await sendRequest({ url: `http://127.0.0.1:${server.port}/a`, timeoutMs, redirects: 9 }, signal);
    expect(result).toMatchObject({ status: 200, body: 'there' });
    expect(hops).toEqual(['/a', '/end']);
  });

  test('are not followed to another host', async () => {
    await using server = await serve(redirectTo('http://other.invalid/', []));
    const result = await sendRequest({ url: `http://127.0.0.1:${server.port}/a`, timeoutMs, redirects: 9 }, signal);
    expect(result).toMatchObject({ status: 302 });
  });

  test('that go round in circles fail', async () => {
    const hops: string[] = [];
    await using server = await serve(redirectTo('/a', hops));
    const result = await sendRequest({ url: `http://127.0.0.1:${server.port}/a`, timeoutMs, redirects: 9 }, signal);
    expect(result).toMatchObject({ kind: 'failure', text: 'more than 9 redirects' });
    expect(hops).toHaveLength(10);
  });
});
