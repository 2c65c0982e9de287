import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createKubectl } from '../../../src/cluster/kubectl.ts';
import { openPortForward } from '../../../src/cluster/port-forward.ts';
import { fakeKubectl } from '../../support/fake-kubectl.ts';

let server: Server;
let port = 0;
beforeAll(async () => {
  server = createServer((_, response) => response.end('here'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  port = address !== null && typeof address === 'object' ? address.port : 0;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

const TARGET = { pod: 'agg-frontend-x', port: 8000, namespace: 'serving' };

async function until(check: () => boolean): Promise<void> {
  while (!check()) await new Promise((resolve) => setTimeout(resolve, 10));
}

test('a way that is lost stands again on the same port, and is given up when it is lost once more', async () => {
  await using kubectl = await fakeKubectl([{ asks: /^port-forward pod\/agg-frontend-x /, forwardTo: port }]);
  const stop = new AbortController();
  const client = createKubectl({ env: kubectl.env, context: 'lab', signal: stop.signal });
  const way = await openPortForward(client, TARGET, stop.signal);
  expect(way.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(await (await fetch(way.url)).text()).toBe('here');

  await kubectl.drop();
  await until(() => way.drops === 1);
  await way.standing();
  expect(await (await fetch(way.url)).text()).toBe('here');
  const local = new URL(way.url).port;
  const place = '--address=127.0.0.1 --namespace=serving --context=lab';
  expect((await kubectl.calls()).map(({ args }) => args)).toEqual([
    `port-forward pod/agg-frontend-x :8000 ${place}`,
    `port-forward pod/agg-frontend-x ${local}:8000 ${place}`,
  ]);

  await kubectl.drop();
  await until(() => way.drops === 2);
  await expect(way.standing()).rejects.toMatchObject({ code: 'PORT_FORWARD_LOST', exitCode: 3 });
  stop.abort();
});

test('it ends with its signal', async () => {
  await using kubectl = await fakeKubectl([{ asks: /^port-forward /, forwardTo: port }]);
  const stop = new AbortController();
  const client = createKubectl({ env: kubectl.env, context: undefined, signal: new AbortController().signal });
  const way = await openPortForward(client, { ...TARGET, namespace: undefined }, stop.signal);
  stop.abort();
  await expect
    .poll(() =>
      fetch(way.url).then(
        () => 'answers',
        () => 'gone',
      ),
    )
    .toBe('gone');
  expect(way.drops).toBe(0);
});

test('one that may not be opened says what kubectl said', async () => {
  const stderr = 'Error from server (Forbidden): pods "agg-frontend-x" is forbidden';
  await using kubectl = await fakeKubectl([{ asks: /^port-forward /, stderr, exitCode: 1 }]);
  const signal = new AbortController().signal;
  const opening = openPortForward(createKubectl({ env: kubectl.env, context: undefined, signal }), TARGET, signal);
  await expect(opening).rejects.toMatchObject({ code: 'PORT_FORWARD_LOST', details: stderr });
});

test('one that opens nothing is given up', async () => {
  await using kubectl = await fakeKubectl([{ asks: /^port-forward /, afterMs: 20_000 }]);
  const signal = new AbortController().signal;
  const client = createKubectl({ env: kubectl.env, context: undefined, signal });
  const opening = openPortForward(client, TARGET, signal, 300);
  await expect(opening).rejects.toMatchObject({ code: 'PORT_FORWARD_LOST', details: 'nothing opened within 0.3 s' });
});
