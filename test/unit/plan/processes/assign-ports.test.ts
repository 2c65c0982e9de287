import { expect, test } from 'vitest';
import { assignPorts, loopbackAddress } from '../../../../src/plan/processes/assign-ports.ts';
import { desiredContainer, observedContainer } from '../builders.ts';

const REQUESTS = [
  { id: 'decode-0', port: 9090, fixed: undefined },
  { id: 'decode-1', port: 9090, fixed: undefined },
  { id: 'frontend-0', port: 8000, fixed: 8000 },
];

function assign(options: Partial<Parameters<typeof assignPorts>[0]> = {}) {
  return assignPorts({ project: 'p', requests: REQUESTS, observed: [], isFree: async () => true, ...options });
}

function plain(assigned: Awaited<ReturnType<typeof assign>>) {
  return Object.fromEntries([...assigned].map(([id, ports]) => [id, Object.fromEntries(ports)]));
}

test('replicas get ports of their own, the same again, within a runtime’s i16; a chosen one stays', async () => {
  const first = plain(await assign());
  expect(first['frontend-0']).toEqual({ 8000: 8000 });
  const [a = 0, b = 0] = [first['decode-0']?.[9090], first['decode-1']?.[9090]];
  expect(a).not.toBe(b);
  for (const port of [a, b]) expect(port >= 20_000 && port <= 32_767).toBe(true);
  expect(plain(await assign())).toEqual(first);
});

test('what is taken is passed over, by anybody or by another project', async () => {
  const first = plain(await assign());
  const mine = first['decode-0']?.[9090] ?? 0;
  const moved = plain(await assign({ isFree: async (port) => port !== mine }));
  expect(moved['decode-0']?.[9090]).toBe(mine === 32_767 ? 20_000 : mine + 1);
  const other = observedContainer(desiredContainer('o-x-0'), {
    project: 'o',
    published: [{ containerPort: 1, hostAddress: '127.0.0.1', hostPort: mine }],
  });
  expect(plain(await assign({ observed: [other] }))['decode-0']?.[9090]).not.toBe(mine);
});

test('a running replica keeps the port that it listens on', async () => {
  const running = observedContainer(desiredContainer('p-decode-0'), {
    project: 'p',
    component: 'decode',
    replica: 0,
    published: [{ containerPort: 9090, hostAddress: '127.0.0.1', hostPort: 22_222 }],
  });
  const kept = plain(await assign({ observed: [running], isFree: async (port) => port !== 22_222 }));
  expect(kept['decode-0']).toEqual({ 9090: 22_222 });
});

test('every replica has a loopback address of its own, which only its name decides', () => {
  const addresses = ['a', 'b'].flatMap((project) =>
    Array.from({ length: 20 }, (_, index) => loopbackAddress(project, `decode-${index}`)),
  );
  expect(new Set(addresses).size).toBe(40);
  for (const address of addresses) expect(address).toMatch(/^127\.[1-9]\d*\.\d+\.[1-9]\d*$/);
  expect(loopbackAddress('a', 'decode-0')).toBe(addresses[0]);
});
