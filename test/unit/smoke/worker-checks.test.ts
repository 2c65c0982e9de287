import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { WorkerRole } from '../../../src/model/observed-state.ts';
import { runSuite } from '../../../src/smoke/run-suite.ts';

/** A clock that every sleep puts on, and nothing waits for. */
let skew = 0;
const CLOCK = {
  now: () => Date.now() + skew,
  sleep: async (ms: number) => {
    skew += ms;
  },
};

/** Indexes of the workers that a chat with this prompt moves, the `count`th one. */
type Route = (prompt: string, count: number) => readonly number[];

interface Graph {
  readonly roles: readonly WorkerRole[];
  readonly routerMode?: string;
  readonly route: Route;
  /** Requests at once that are answered; the rest get 503. */
  readonly atOnce?: number;
}

/** A frontend and its workers in one server: chats move the counters that `/worker/N/metrics` shows. */
async function check(name: string, { roles, routerMode, route, atOnce = 99 }: Graph) {
  const counts = roles.map(() => 0);
  let asked = 0;
  let open = 0;
  const send = (response: ServerResponse, status: number, body: string) => response.writeHead(status).end(body);
  const server = createServer(async (request, response) => {
    if (request.url === '/v1/models') return send(response, 200, '{"data":[{"id":"m"}]}');
    const worker = /^\/worker\/(\d+)\/metrics$/.exec(request.url ?? '')?.[1];
    if (worker !== undefined)
      return send(
        response,
        200,
        `dynamo_component_requests_total{dynamo_endpoint="generate"} ${counts[Number(worker)]}\n`,
      );
    const prompt: string = JSON.parse(await text(request)).messages[0].content;
    open += 1;
    await sleep(10);
    const tooMany = open > atOnce;
    open -= 1;
    if (tooMany) return send(response, 503, '{}');
    for (const index of route(prompt, asked)) counts[index] = (counts[index] ?? 0) + 1;
    asked += 1;
    return send(response, 200, '{"choices":[{"message":{"content":"hi"}}]}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const workers = roles.map((role, index) => ({
    id: `w-${index}`,
    role,
    metricsUrl: `${url}/worker/${index}/metrics`,
  }));
  try {
    const [result] = await runSuite({ url, routerMode, workers }, [name], CLOCK, new AbortController().signal);
    return `${result?.outcome}: ${result?.detail}`;
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const TWO: readonly WorkerRole[] = ['aggregated', 'aggregated'];
const turns: Route = (_, count) => [count % 2];

test('workers: every one has to serve where the router takes turns', async () => {
  expect(await check('workers', { roles: TWO, route: turns })).toBe('pass: w-0 +8, w-1 +8');
  expect(await check('workers', { roles: TWO, route: () => [0] })).toBe('fail: of 16 requests: w-0 +16, w-1 +0');
  expect(await check('workers', { roles: TWO, route: () => [] })).toBe('fail: of 16 requests: w-0 +0, w-1 +0');
});

test('workers: a KV router is asked for what no worker has, at once, so that every one has to serve', async () => {
  const begun: string[] = [];
  const byBeginning: Route = (prompt) => {
    const beginning = prompt.slice(0, 12);
    if (!begun.includes(beginning)) begun.push(beginning);
    return [begun.indexOf(beginning) % 2];
  };
  const kv = { roles: TWO, routerMode: 'kv' };
  expect(await check('workers', { ...kv, route: byBeginning })).toBe('pass: w-0 +8, w-1 +8');
  expect(begun).toHaveLength(16);
  expect(await check('workers', { ...kv, route: () => [0] })).toBe('fail: of 16 requests: w-0 +16, w-1 +0');
  expect(await check('workers', { ...kv, route: (_, n) => (n % 2 ? [] : [0]) })).toMatch(/^fail/);
  expect(await check('workers', { ...kv, route: turns, atOnce: 4 })).toMatch(/^fail: request \d+: HTTP 503/);
});

test('prefill: its counter has to move', async () => {
  const roles: readonly WorkerRole[] = ['prefill', 'decode'];
  expect(await check('prefill', { roles, route: () => [0, 1] })).toBe('pass: w-0 +8');
  expect(await check('prefill', { roles, route: () => [1] })).toBe('fail: 8 requests passed by: w-0 +0');
});

test('kv-warm: the same prompt goes to the worker that had it', async () => {
  const sticky: Route = (prompt) => [prompt.length % 2];
  expect(await check('kv-warm', { roles: TWO, routerMode: 'kv', route: sticky })).toMatch(/^pass/);
  expect(await check('kv-warm', { roles: TWO, routerMode: 'kv', route: turns })).toMatch(/^fail: the warm worker/);
  expect(await check('kv-warm', { roles: TWO, routerMode: 'round-robin', route: turns })).toMatch(/^skip/);
  expect(await check('kv-warm', { roles: ['prefill', 'decode'], routerMode: 'kv', route: () => [0, 1] })).toMatch(
    /^skip/,
  );
});

test('concurrent: all have to be answered', async () => {
  expect(await check('concurrent', { roles: [], route: () => [] })).toMatch(/^pass/);
  expect(await check('concurrent', { roles: [], route: () => [], atOnce: 3 })).toMatch(
    /^fail: [1-8] of 8 failed: HTTP 503/,
  );
});
