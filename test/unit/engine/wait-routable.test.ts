import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { waitRoutable } from '../../../src/engine/wait-routable.ts';

test('a frontend that fails every request is asked ever less often, and at once again when it answers', async () => {
  let chats = 0;
  const server = createServer((request, response) => {
    request.resume();
    if (request.url === '/v1/models') return response.end(JSON.stringify({ data: [{ id: 'm' }] }));
    chats += 1;
    return response.writeHead(chats > 12 ? 200 : 503).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const slept: number[] = [];
  let now = 0;
  try {
    const models = await waitRoutable(
      {
        url: `http://127.0.0.1:${port}`,
        clock: {
          now: () => now,
          sleep: async (ms) => {
            slept.push(Math.round(ms));
            now += ms;
          },
        },
        settleMs: 0,
        registrations: () => [],
        onListed: () => undefined,
        onAnswer: () => undefined,
      },
      new AbortController().signal,
    );
    expect(models).toEqual(['m']);
  } finally {
    server.closeAllConnections();
    server.close();
  }
  expect(slept).toEqual([50, 75, 113, 169, 253, 380, 570, 854, 1000, 1000, 1000, 1000]);
});
