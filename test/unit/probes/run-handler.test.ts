import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { ProbeHandler } from '../../../src/model/probe.ts';
import { encodeHealthRequest } from '../../../src/probes/grpc-message.ts';
import type { ProbeAnswer, ProbeTarget } from '../../../src/probes/probe-answer.ts';
import { runHandler } from '../../../src/probes/run-handler.ts';
import { listen } from '../http/listen.ts';
import { SELF_SIGNED } from '../http/self-signed.ts';

const { signal } = new AbortController();
const loopback: ProbeTarget = {
  resolve: (port) => ({ host: '127.0.0.1', port }),
  exec: () => Promise.reject(new Error('no container')),
};
const ask = (handler: ProbeHandler, timeoutMs = 2000, target = loopback): Promise<ProbeAnswer> =>
  runHandler(handler, target, timeoutMs, signal);
const httpGet = (port: number, more: object = {}): ProbeHandler => ({
  kind: 'httpGet',
  scheme: 'HTTP',
  port,
  path: '/health',
  headers: [],
  ...more,
});
const serve = (answer: RequestListener) => listen(createServer(answer));

describe('httpGet', () => {
  test.each([
    [200, true],
    [204, true],
    [304, true],
    [399, true],
    [400, false],
    [404, false],
    [503, false],
  ])('%d: success is %s', async (status, ok) => {
    await using server = await serve((_, response) => response.writeHead(status).end());
    expect(await ask(httpGet(server.port))).toEqual({ ok, answer: `HTTP ${status}` });
  });

  test('asks the path as it is written, as a kubelet', async () => {
    const seen: IncomingMessage[] = [];
    await using server = await serve((request, response) => {
      seen.push(request);
      response.end();
    });
    await ask(
      httpGet(server.port, {
        path: 'ready?full=1',
        headers: [
          ['X-A', '1'],
          ['x-a', '2'],
          ['Host', 'model.example'],
        ],
      }),
    );
    await ask(
      httpGet(server.port, {
        headers: [
          ['Accept', ''],
          ['User-Agent', 'mine'],
        ],
      }),
    );
    expect(seen[0]).toMatchObject({
      method: 'GET',
      url: '/ready?full=1',
      headers: {
        'x-a': '1, 2',
        host: 'model.example',
        accept: '*/*',
        'user-agent': expect.stringMatching(/^kube-probe\//),
      },
    });
    expect(seen[1]?.headers).toMatchObject({ 'user-agent': 'mine' });
    expect(seen[1]?.headers.accept).toBeUndefined();
  });

  test('takes any certificate', async () => {
    await using server = await listen(createTlsServer(SELF_SIGNED, (_, response) => response.end()));
    expect(await ask(httpGet(server.port, { scheme: 'HTTPS' }))).toEqual({ ok: true, answer: 'HTTP 200' });
  });

  test('asks the host that the probe names instead of the container', async () => {
    await using server = await serve((_, response) => response.end());
    const elsewhere = { ...loopback, resolve: () => undefined };
    expect(await ask(httpGet(server.port, { host: '127.0.0.1' }), 2000, elsewhere)).toMatchObject({ ok: true });
    expect(await ask(httpGet(server.port), 2000, elsewhere)).toEqual({
      ok: false,
      answer: `port ${server.port} is not reachable`,
    });
  });

  test('follows a redirect on the host, where the last answer counts', async () => {
    await using server = await serve((request, response) => {
      if (request.url === '/end') response.writeHead(500).end();
      else response.writeHead(307, { location: '/end' }).end();
    });
    expect(await ask(httpGet(server.port))).toEqual({ ok: false, answer: 'HTTP 500' });
  });

  test('a redirect to another host is a success with a warning', async () => {
    await using server = await serve((_, response) =>
      response.writeHead(302, { location: 'https://other.invalid/' }).end(),
    );
    expect(await ask(httpGet(server.port))).toEqual({
      ok: true,
      answer: 'HTTP 302 to another host: https://other.invalid/',
    });
  });

  test('does not wait for the rest of a long body', async () => {
    await using server = await serve((_, response) => {
      response.write('x'.repeat(20_000));
    });
    expect(await ask(httpGet(server.port), 500)).toEqual({ ok: true, answer: 'HTTP 200' });
  });

  test('a server that is silent or refuses fails in a few words', async () => {
    await using server = await serve(() => undefined);
    expect(await ask(httpGet(server.port), 50)).toEqual({ ok: false, answer: 'no answer in time' });
    expect(await ask(httpGet(1))).toEqual({ ok: false, answer: 'connection refused' });
  });
});

describe('tcpSocket', () => {
  test('a port that opens is a success, a closed one is not', async () => {
    await using server = await listen(createTcpServer());
    expect(await ask({ kind: 'tcpSocket', port: server.port })).toEqual({ ok: true, answer: 'connected' });
    expect(await ask({ kind: 'tcpSocket', port: 1 })).toEqual({ ok: false, answer: 'connection refused' });
    const elsewhere = { ...loopback, resolve: () => undefined };
    expect(await ask({ kind: 'tcpSocket', port: server.port, host: '127.0.0.1' }, 2000, elsewhere)).toMatchObject({
      ok: true,
    });
  });

  test('an address that does not answer fails in time', async () => {
    // TEST-NET-1: nobody is there; some networks say so at once.
    const nobody: ProbeTarget = { ...loopback, resolve: (port) => ({ host: '192.0.2.1', port }) };
    expect(await ask({ kind: 'tcpSocket', port: 9 }, 50, nobody)).toMatchObject({ ok: false });
  });
});

describe('exec', () => {
  const handler: ProbeHandler = { kind: 'exec', command: ['cat', '/tmp/ready'] };
  const running = (exec: ProbeTarget['exec']): ProbeTarget => ({ ...loopback, exec });

  test('exit code 0 is a success, and the last line is the answer', async () => {
    const seen: unknown[] = [];
    const target = running(async (command) => {
      seen.push(command);
      return { exitCode: 0, output: 'a\nfine\n' };
    });
    expect(await ask(handler, 1000, target)).toEqual({ ok: true, answer: 'exit code 0: fine' });
    expect(seen).toEqual([['cat', '/tmp/ready']]);
  });

  test('any other exit code is a failure', async () => {
    const target = running(async () => ({ exitCode: 3, output: '' }));
    expect(await ask(handler, 1000, target)).toEqual({ ok: false, answer: 'exit code 3' });
  });

  test('a command that does not end in time is a failure and is told to end', async () => {
    const target = running(
      (_, ending) => new Promise((__, reject) => ending.addEventListener('abort', () => reject(ending.reason))),
    );
    expect(await ask(handler, 30, target)).toEqual({ ok: false, answer: 'no end within 0.03 s' });
  });

  test('an engine that cannot run it gives no result', async () => {
    const target = running(() => Promise.reject(new Error('container is not running')));
    expect(await ask(handler, 1000, target)).toEqual({ ok: false, answer: 'container is not running', void: true });
  });
});

describe('grpc', () => {
  const handler = (port: number, service = ''): ProbeHandler => ({ kind: 'grpc', port, service });
  const serveGrpc = (answer: (stream: ServerHttp2Stream, request: Buffer, path: string) => void) => {
    const server = createHttp2Server();
    server.on('stream', (stream, headers) => {
      const chunks: Buffer[] = [];
      stream.on('error', () => undefined);
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => answer(stream, Buffer.concat(chunks), String(headers[':path'])));
    });
    return listen(server);
  };
  const respond = (stream: ServerHttp2Stream, status: string, message: readonly number[]) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }));
    stream.end(Buffer.from([0, 0, 0, 0, message.length, ...message]));
  };

  test('SERVING is a success', async () => {
    const seen: unknown[] = [];
    await using server = await serveGrpc((stream, request, path) => {
      seen.push(path, request);
      respond(stream, '0', [0x08, 1]);
    });
    expect(await ask(handler(server.port, 'model'))).toEqual({ ok: true, answer: 'SERVING' });
    expect(seen).toEqual(['/grpc.health.v1.Health/Check', encodeHealthRequest('model')]);
  });

  test.each([
    ['NOT_SERVING', [0x08, 2]],
    ['UNKNOWN', []],
  ])('%s is a failure', async (answer, message) => {
    await using server = await serveGrpc((stream) => respond(stream, '0', message));
    expect(await ask(handler(server.port))).toEqual({ ok: false, answer });
  });

  test.each([
    ['12', 'gRPC status 12: it has no health service'],
    ['5', 'gRPC status 5: it knows no such service'],
    ['2', 'gRPC status 2: failed'],
  ])('status %s in an answer of trailers only is told', async (status, answer) => {
    await using server = await serveGrpc((stream) =>
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': status },
        { endStream: true },
      ),
    );
    expect(await ask(handler(server.port))).toEqual({ ok: false, answer });
  });

  test('HTTP/2 without gRPC is told', async () => {
    await using server = await serveGrpc((stream) => stream.respond({ ':status': 404 }, { endStream: true }));
    expect(await ask(handler(server.port))).toEqual({ ok: false, answer: 'HTTP 404, no gRPC' });
  });

  test('a server that is silent, refuses, hangs up or speaks HTTP/1 fails in a few words', async () => {
    await using silent = await listen(createTcpServer());
    await using rude = await listen(createTcpServer((socket) => socket.destroy()));
    await using old = await serve((_, response) => response.end());
    expect(await ask(handler(silent.port), 50)).toEqual({ ok: false, answer: 'no answer in time' });
    expect(await ask(handler(1))).toEqual({ ok: false, answer: 'connection refused' });
    expect(await ask(handler(rude.port))).toMatchObject({ ok: false, answer: 'connection reset' });
    expect(await ask(handler(old.port))).toMatchObject({ ok: false });
  });

  test('rejects when it is told to end', async () => {
    await using silent = await listen(createTcpServer());
    const stop = new AbortController();
    const waiting = runHandler(handler(silent.port), loopback, 5000, stop.signal);
    setTimeout(() => stop.abort(new Error('enough')), 20);
    await expect(waiting).rejects.toThrow('enough');
  });
});
