import { createServer, type ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { type HttpStream, openStream } from '../../../src/http/open-stream.ts';
import { readServerSentEvents, type ServerSentEvent } from '../../../src/http/read-server-sent-events.ts';
import { listen } from './listen.ts';

const { signal } = new AbortController();

function serve(answer: (response: ServerResponse) => void) {
  return listen(createServer((_, response) => answer(response)));
}

async function open(port: number, idleMs?: number, until: AbortSignal = signal): Promise<HttpStream> {
  const request = { url: `http://127.0.0.1:${port}/`, timeoutMs: 2000, ...(idleMs === undefined ? {} : { idleMs }) };
  const stream = await openStream(request, until);
  if (stream.kind === 'failure') throw new Error(stream.text);
  return stream;
}

async function collect<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe('openStream', () => {
  test('gives the head before the body is there, and then each piece', async () => {
    let finish = (): void => undefined;
    await using server = await serve((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('one ');
      finish = () => response.end('two');
    });
    const stream = await open(server.port);
    expect(stream).toMatchObject({ status: 200, headers: { 'content-type': 'text/event-stream' } });
    finish();
    expect(Buffer.concat(await collect(stream.chunks)).toString()).toBe('one two');
  });

  test('a server that refuses or is silent is a result', async () => {
    await using server = await serve(() => undefined);
    const silent = await openStream({ url: `http://127.0.0.1:${server.port}/`, timeoutMs: 50 }, signal);
    expect(silent).toMatchObject({ kind: 'failure', reason: 'timeout' });
    const refused = await openStream({ url: 'http://127.0.0.1:1/', timeoutMs: 2000 }, signal);
    expect(refused).toMatchObject({ kind: 'failure', reason: 'refused' });
  });

  test('a body that breaks off throws', async () => {
    await using server = await serve((response) => {
      response.write('x', () => response.destroy());
    });
    await expect(collect((await open(server.port)).chunks)).rejects.toMatchObject({
      name: 'StreamBroken',
      reason: 'reset',
    });
  });

  test('a body that stops coming throws', async () => {
    await using server = await serve((response) => {
      response.write('x');
    });
    const chunks = collect((await open(server.port, 50)).chunks);
    await expect(chunks).rejects.toMatchObject({ name: 'StreamBroken', reason: 'timeout' });
  });

  test('whoever leaves early or closes ends the connection', async () => {
    let closed = 0;
    await using server = await serve((response) => {
      response.once('close', () => {
        closed += 1;
      });
      response.write('x');
    });
    for await (const _ of (await open(server.port)).chunks) break;
    (await open(server.port)).close();
    await expect.poll(() => closed).toBe(2);
  });

  test('rejects with the reason when it is told to end', async () => {
    await using server = await serve((response) => {
      response.write('x');
    });
    const stop = new AbortController();
    const chunks = collect((await open(server.port, undefined, stop.signal)).chunks);
    stop.abort(new Error('enough'));
    await expect(chunks).rejects.toThrow('enough');
  });
});

describe('readServerSentEvents', () => {
  async function* cut(text: string, size: number): AsyncGenerator<Uint8Array> {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  const event = (data: string, name?: string): ServerSentEvent => ({ kind: 'event', event: name, data });

  test.each([1, 2, 3, 7, 1000])('reads a stream that comes in pieces of %d bytes', async (size) => {
    const text = 'data: {"a":"ä€😀"}\n\nevent: llm_metrics\ndata: x\ndata: y\n\n: keep-alive\n\r\ndata: [DONE]\r\n\r\n';
    expect(await collect(readServerSentEvents(cut(text, size)))).toEqual([
      event('{"a":"ä€😀"}'),
      event('x\ny', 'llm_metrics'),
      { kind: 'comment', text: 'keep-alive' },
      event('[DONE]'),
    ]);
  });

  test('keeps the comment in which a runtime says why it ended early', async () => {
    const text = 'event: error\n: Stream ended before generation completed\n\ndata: [DONE]\n\n';
    expect(await collect(readServerSentEvents(cut(text, 9)))).toEqual([
      { kind: 'comment', text: 'Stream ended before generation completed' },
      event('[DONE]'),
    ]);
  });

  test('drops a frame that was cut off', async () => {
    expect(await collect(readServerSentEvents(cut('data: a\n\ndata: b', 4)))).toEqual([event('a')]);
  });
});
