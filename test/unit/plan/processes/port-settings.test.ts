import { expect, test } from 'vitest';
import { listPorts, mapLocalPorts, rewritePorts } from '../../../../src/plan/processes/port-settings.ts';
import { desiredContainer } from '../builders.ts';

const origin = { kind: 'flag', flag: '--env-file' } as const;

function container(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return desiredContainer('w', {
    entrypoint: words.slice(0, 3),
    args: words.slice(3),
    env: Object.entries(env).map(([name, value]) => ({ name, value, secret: false, origin })),
  });
}

const WORKER = container(
  [
    'python3',
    '-m',
    'dynamo.vllm',
    '--model',
    'Qwen/Qwen3-0.6B',
    '--max-model-len',
    '8192',
    '--kv-events-config',
    '{"publisher":"zmq","topic":"kv-events","endpoint":"tcp://*:20080","buffer_steps":10000}',
    '--disaggregation-bootstrap-port=12345',
    '--bootstrap-ports',
    '50100,50101',
  ],
  { DYN_SYSTEM_PORT: '9090', VLLM_NIXL_SIDE_CHANNEL_PORT: '20096', DYN_KV_BLOCKS: '9090' },
);

test('ports that flags, lists, JSON and variables set are found, other numbers are not', () => {
  expect(listPorts(WORKER)).toEqual([20080, 12345, 50100, 50101, 9090, 20096]);
});

test('flags and variables are changed together, and only where they are ports', () => {
  const ports = new Map([
    [9090, 21001],
    [20080, 21002],
    [12345, 21003],
    [50100, 21004],
    [50101, 21005],
    [20096, 21006],
  ]);
  const changed = rewritePorts(WORKER, ports);
  expect(changed.args).toEqual([
    '--model',
    'Qwen/Qwen3-0.6B',
    '--max-model-len',
    '8192',
    '--kv-events-config',
    '{"publisher":"zmq","topic":"kv-events","endpoint":"tcp://*:21002","buffer_steps":10000}',
    '--disaggregation-bootstrap-port=21003',
    '--bootstrap-ports',
    '21004,21005',
  ]);
  expect(Object.fromEntries(changed.env.map(({ name, value }) => [name, value]))).toEqual({
    DYN_SYSTEM_PORT: '21001',
    VLLM_NIXL_SIDE_CHANNEL_PORT: '21006',
    DYN_KV_BLOCKS: '9090',
  });
});

test('the text of a shell is read as well, with its quotes', () => {
  const shell = desiredContainer('f', {
    entrypoint: ['sh', '-c'],
    args: [
      `exec python3 -m dynamo.frontend --http-port 8000 --router-mode kv && curl localhost:8000/health; x --kv-events-config '{"endpoint": "tcp://*:5557"}'`,
    ],
  });
  expect(listPorts(shell)).toEqual([8000, 5557]);
  const ports = new Map([
    [8000, 21000],
    [5557, 21001],
  ]);
  expect(rewritePorts(shell, ports).args?.[0]).toBe(
    `exec python3 -m dynamo.frontend --http-port 21000 --router-mode kv && curl localhost:21000/health; x --kv-events-config '{"endpoint": "tcp://*:21001"}'`,
  );
});

test('a flag at the end of the command has its value at the beginning of the args', () => {
  const split = desiredContainer('f', { entrypoint: ['frontend', '--http-port'], args: ['8000', '8000'] });
  expect(rewritePorts(split, new Map([[8000, 21000]])).args).toEqual(['21000', '8000']);
});

test('a port that is another one in exchange is changed once', () => {
  const swapped = container(['w', '--port', '8000'], { DYN_SYSTEM_PORT: '9090', PEER: 'localhost:8000' });
  const changed = rewritePorts(
    swapped,
    new Map([
      [8000, 9090],
      [9090, 8000],
    ]),
  );
  expect([changed.entrypoint, changed.env.map(({ value }) => value)]).toEqual([
    ['w', '--port', '9090'],
    ['8000', 'localhost:8000'],
  ]);
});

test('only this host is meant by its names', () => {
  const choose = () => 1;
  expect(mapLocalPorts('http://127.0.0.1:9090 localhost:80 [::1]:90 example.com:9090 10.127.0.0.1:9090', choose)).toBe(
    'http://127.0.0.1:1 localhost:1 [::1]:1 example.com:9090 10.127.0.0.1:9090',
  );
});
