import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { chooseChecks, runSuite } from '../../../src/smoke/run-suite.ts';

type Answer = (request: IncomingMessage, body: string, response: ServerResponse) => boolean;

const CLOCK = { now: () => Date.now(), sleep: (ms: number) => sleep(ms) };

function send(response: ServerResponse, status: number, body: unknown, type = 'application/json'): boolean {
  response.writeHead(status, { 'content-type': type }).end(typeof body === 'string' ? body : JSON.stringify(body));
  return true;
}

const STREAM = `${[
  '{"choices":[{"delta":{"role":"assistant","content":"hi"}}]}',
  '{"choices":[{"delta":{},"finish_reason":"length"}]}',
  '[DONE]',
]
  .map((frame) => `data: ${frame}\n\n`)
  .join('')}`;

/** A frontend as it should be. */
const healthy: Answer = ({ url }, body, response) => {
  if (url === '/health') return send(response, 200, {});
  if (url === '/v1/models') return send(response, 200, { data: [{ id: 'm' }] });
  if (url === '/metrics') return send(response, 200, 'dynamo_frontend_requests_total{model="m"} 3\n', 'text/plain');
  if (url === '/v1/embeddings') return send(response, 404, {});
  if (url === '/v1/completions') return send(response, 200, { choices: [{ text: 'hi', finish_reason: 'length' }] });
  if (body === '{"model": ') return send(response, 400, {});
  if (body.includes('no-such-model')) return send(response, 404, {});
  if (body.includes('"stream":true')) return send(response, 200, STREAM, 'text/event-stream');
  return send(response, 200, { choices: [{ message: { content: 'hi' }, finish_reason: 'length' }] });
};

async function failing(fault: Answer): Promise<readonly string[]> {
  const server = createServer(async (request, response) => {
    const body = await text(request);
    if (!fault(request, body, response)) healthy(request, body, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const target = { url: `http://127.0.0.1:${port}`, routerMode: undefined, workers: [] };
    const results = await runSuite(target, chooseChecks(undefined), CLOCK, new AbortController().signal);
    expect(results.map(({ check }) => check)).toEqual(chooseChecks(undefined));
    return results.filter(({ outcome }) => outcome === 'fail').map(({ check }) => check);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('a healthy frontend fails nothing', async () => {
  expect(await failing(() => false)).toEqual([]);
});

const isChat = (body: string) => body.includes('"messages"') && !body.includes('no-such-model');

test.each<[string, Answer, readonly string[]]>([
  ['is unhealthy', ({ url }, _, response) => url === '/health' && send(response, 503, {}), ['health']],
  [
    'lists no model',
    ({ url }, _, response) => url === '/v1/models' && send(response, 200, { data: [] }),
    ['models', 'chat', 'stream', 'completions', 'embeddings', 'concurrent', 'workers', 'prefill', 'kv-warm'],
  ],
  [
    'lists nothing that is a model',
    ({ url }, _, response) => url === '/v1/models' && send(response, 200, { data: [null, { id: 'm' }] }),
    ['models'],
  ],
  [
    'answers chats with parts',
    (_, body, response) =>
      isChat(body) &&
      !body.includes('stream') &&
      send(response, 200, { choices: [{ message: { content: ['hi'] }, finish_reason: 'stop' }] }),
    ['chat'],
  ],
  [
    'answers chats with nothing',
    (_, body, response) =>
      isChat(body) && !body.includes('stream') && send(response, 200, { choices: [{ message: { content: '' } }] }),
    ['chat'],
  ],
  ['fails chats', (_, body, response) => isChat(body) && send(response, 503, {}), ['chat', 'stream', 'concurrent']],
  [
    'streams an error',
    (_, body, response) =>
      body.includes('"stream":true') &&
      send(response, 200, 'event: error\ndata: gone\n\ndata: [DONE]\n\n', 'text/event-stream'),
    ['stream'],
  ],
  [
    'answers for any model',
    (_, body, response) => body.includes('no-such-model') && send(response, 200, {}),
    ['unknown-model'],
  ],
  ['chokes on bad JSON', (_, body, response) => body === '{"model": ' && send(response, 500, {}), ['bad-json']],
  [
    'has broken metrics',
    ({ url }, _, response) => url === '/metrics' && send(response, 200, '<html/>', 'text/html'),
    ['metrics'],
  ],
  [
    'makes embeddings without numbers',
    ({ url }, _, response) => url === '/v1/embeddings' && send(response, 200, { data: [{ embedding: [] }] }),
    ['embeddings'],
  ],
  [
    'fails completions',
    ({ url }, _, response) => url === '/v1/completions' && send(response, 500, {}),
    ['completions'],
  ],
])('a frontend that %s', async (_, fault, expected) => {
  expect(await failing(fault)).toEqual(expected);
});

test('every listed model is asked: one that does not chat fails the check, by its name', async () => {
  const two: Answer = ({ url }, body, response) =>
    (url === '/v1/models' && send(response, 200, { data: [{ id: 'm' }, { id: 'lora' }] })) ||
    (isChat(body) && body.includes('"model":"lora"') && send(response, 500, {}));
  expect(await failing(two)).toEqual(['chat', 'stream']);
});

test('checks are chosen by name, in their own order', () => {
  expect(chooseChecks('stream, chat')).toEqual(['chat', 'stream']);
  expect(() => chooseChecks('chatt')).toThrow('there is no check "chatt"');
});

test('a server that does not answer is said once', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const target = { url: `http://127.0.0.1:${port}`, routerMode: undefined, workers: [] };
  const results = await runSuite(target, ['models', 'chat', 'metrics'], CLOCK, new AbortController().signal);
  expect(results.map(({ outcome }) => outcome)).toEqual(['fail', 'skip', 'skip']);
  expect(results[1]?.detail).toBe(`not asked: http://127.0.0.1:${port} does not answer`);
});
