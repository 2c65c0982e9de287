import { readFile } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { parseEnv } from 'node:util';
import type Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkInfra, type InfraPlace, waitForInfra } from '../../src/infra/check-health.ts';
import { countInstances } from '../../src/infra/count-instances.ts';
import type { Registration } from '../../src/infra/parse-registration.ts';
import { type InfraService, readInfra } from '../../src/infra/read-infra.ts';
import { readNatsInstances } from '../../src/infra/read-nats-instances.ts';
import { readRegistrations, watchRegistrations } from '../../src/infra/watch-registrations.ts';
import type { Clock } from '../../src/model/clock.ts';

const { signal } = new AbortController();
const clock: Clock = {
  now: () => Date.now(),
  sleep: (ms, until) =>
    delay(ms, undefined, { signal: until }).catch(() => {
      throw until.reason;
    }),
};
const label = `dynamo.test=infra-${process.pid}`;
const PORT = { etcd: 2379, nats: 4222 } as const;

let docker: Docker;
let services: readonly InfraService[] = [];

beforeAll(async () => {
  const { default: Dockerode } = await import('dockerode');
  docker = new Dockerode();
  const compose = new URL('../../compose/', import.meta.url);
  const env = parseEnv(await readFile(new URL('.env', compose), 'utf8').catch(() => ''));
  services = readInfra('infra.yaml', await readFile(new URL('infra.yaml', compose), 'utf8'), {
    ...env,
    ...process.env,
  });
});

afterAll(async () => {
  const left = await docker.listContainers({ all: true, filters: { label: [label] } });
  await Promise.all(left.map(({ Id }) => docker.getContainer(Id).remove({ force: true, v: true })));
});

interface Server {
  readonly container: Docker.Container;
  readonly place: InfraPlace;
}

/** A service of compose/infra.yaml, started on the default bridge. */
async function run(name: 'etcd' | 'nats', command?: readonly string[]): Promise<Server> {
  const service = services.find((entry) => entry.service === name);
  if (!service) throw new Error(`no service ${name}`);
  const container = await docker.createContainer({
    Image: service.image,
    Entrypoint: [...(service.entrypoint ?? [])],
    Cmd: [...(command ?? service.command ?? [])],
    Labels: { 'dynamo.test': label.slice('dynamo.test='.length) },
    HostConfig: { Tmpfs: Object.fromEntries(service.tmpfs.map((path) => [path, ''])) },
  });
  await container.start();
  return { container, place: await placeOf(container, name) };
}

async function placeOf(container: Docker.Container, service: 'etcd' | 'nats'): Promise<InfraPlace> {
  const { NetworkSettings } = await container.inspect();
  return { service, host: NetworkSettings.Networks.bridge?.IPAddress ?? '', port: PORT[service] };
}

function portOpens(place: InfraPlace): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTcp({ host: place.host, port: place.port, timeout: 500 });
    const end = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    socket
      .once('connect', () => end(true))
      .once('error', () => end(false))
      .once('timeout', () => end(false));
  });
}

function openSockets(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length;
}

async function remove({ container }: Server): Promise<void> {
  await container.remove({ force: true, v: true });
}

describe('health', () => {
  test('etcd and NATS of compose/infra.yaml are healthy soon after their start, and no connection is left', async () => {
    const before = openSockets();
    const servers = await Promise.all([run('etcd'), run('nats')]);
    const startedAt = performance.now();
    await Promise.all(
      servers.map(({ place }) => waitForInfra({ place, jetStream: true, clock, portOpens, timeoutMs: 20_000 }, signal)),
    );
    expect(performance.now() - startedAt).toBeLessThan(5000);
    await Promise.all(servers.flatMap(({ place }) => Array.from({ length: 5 }, () => checkInfra(place, true, signal))));
    await expect.poll(openSockets).toBeLessThanOrEqual(before);
    await Promise.all(servers.map(remove));
  });

  test('an address without a server is not ready in time', async () => {
    const place: InfraPlace = { service: 'etcd', host: '127.0.0.1', port: 1 };
    await expect(
      waitForInfra({ place, jetStream: true, clock, portOpens, timeoutMs: 200 }, signal),
    ).rejects.toMatchObject({
      code: 'INFRA_NOT_READY',
      exitCode: 5,
    });
  });

  test.each(['etcd', 'nats'] as const)('a port that answers but is no %s is not healthy', async (service) => {
    const wrong = await run(service === 'etcd' ? 'nats' : 'etcd');
    const place = { ...wrong.place, service };
    await expect.poll(() => portOpens(place)).toBe(true);
    const failure = waitForInfra({ place, jetStream: true, clock, portOpens, timeoutMs: 1000 }, signal);
    await expect(failure).rejects.toMatchObject({ code: 'INFRA_NOT_READY' });
    await remove(wrong);
  });

  test('NATS without JetStream is refused', async () => {
    const server = await run('nats', []);
    await expect(
      waitForInfra({ place: server.place, jetStream: true, clock, portOpens, timeoutMs: 20_000 }, signal),
    ).rejects.toMatchObject({ code: 'NATS_NO_JETSTREAM', exitCode: 3 });
    await remove(server);
  });

  test('waiting ends when it is told to', async () => {
    const stop = new AbortController();
    const place: InfraPlace = { service: 'nats', host: '127.0.0.1', port: 1 };
    const waiting = waitForInfra({ place, jetStream: true, clock, portOpens, timeoutMs: 20_000 }, stop.signal);
    setTimeout(() => stop.abort(new Error('enough')), 50);
    await expect(waiting).rejects.toThrow('enough');
  });
});

test('instances that are services of NATS are found by their subjects, and none where there is no service', async () => {
  const server = await run('nats');
  await waitForInfra({ place: server.place, jetStream: true, clock, portOpens, timeoutMs: 20_000 }, signal);
  expect([...(await readNatsInstances(server.place, signal))]).toEqual([]);
  const { connect } = await import('nats');
  const connection = await connect({ servers: `${server.place.host}:${server.place.port}` });
  const service = await connection.services.add({ name: 'dynamo_backend', version: '0.0.1' });
  const group = service.addGroup('dynamo_backend');
  for (const endpoint of ['generate-694da20754df2605', 'load_metrics-694da20754df2606'])
    group.addEndpoint(endpoint, { queue: 'q', handler: () => undefined });
  expect([...(await readNatsInstances(server.place, signal))].toSorted()).toEqual([
    '694da20754df2605',
    '694da20754df2606',
  ]);
  await connection.close();
  await remove(server);
});

describe('registrations', () => {
  let server: Server;
  beforeAll(async () => {
    server = await run('etcd');
    await waitForInfra({ place: server.place, jetStream: true, clock, portOpens, timeoutMs: 20_000 }, signal);
  });

  const put = async (key: string, value: unknown) => {
    const { Etcd3 } = await import('etcd3');
    const client = new Etcd3({ hosts: `${server.place.host}:${server.place.port}` });
    await client.put(key).value(JSON.stringify(value));
    client.close();
  };
  const del = async (key: string) => {
    const { Etcd3 } = await import('etcd3');
    const client = new Etcd3({ hosts: `${server.place.host}:${server.place.port}` });
    await client.delete().key(key);
    client.close();
  };
  const instance = (namespace: string, component: string) => ({
    type: 'Endpoint',
    namespace,
    component,
    endpoint: 'generate',
    transport: { tcp: '10.0.0.3:33297/x/generate' },
  });

  test('are told at once, after each change, and again after etcd was away', async () => {
    await put('v1/instances/app/backend/generate/1', instance('app', 'backend'));
    await put('v1/instances/app-b/backend/generate/9', instance('app-b', 'backend'));
    const stop = new AbortController();
    const seen: (readonly Registration[])[] = [];
    const counts = () => [...countInstances(seen.at(-1) ?? [])];
    const watching = (async () => {
      const options = { etcd: server.place, namespace: 'app', clock };
      for await (const registrations of watchRegistrations(options, stop.signal)) seen.push(registrations);
    })();
    await expect.poll(counts).toEqual([
      ['app-b/backend', 1],
      ['app/backend', 1],
    ]);
    await put('v1/instances/app/prefill/generate/2', instance('app', 'prefill'));
    await put('instances/app/old/generate:3', instance('app', 'old'));
    await put('v1/instances/other/backend/generate/4', instance('other', 'backend'));
    await expect.poll(counts).toEqual([
      ['app-b/backend', 1],
      ['app/backend', 1],
      ['app/old', 1],
      ['app/prefill', 1],
    ]);
    await del('v1/instances/app/backend/generate/1');
    await expect.poll(() => counts().map(([place]) => place)).toEqual(['app-b/backend', 'app/old', 'app/prefill']);
    await server.container.restart({ t: 2 });
    server = { ...server, place: await placeOf(server.container, 'etcd') };
    await waitForInfra({ place: server.place, jetStream: true, clock, portOpens, timeoutMs: 20_000 }, signal);
    await put('v1/instances/app/backend/generate/5', instance('app', 'backend'));
    // With its data in memory it came back empty.
    const kept =
      services[0]?.tmpfs.length === 0 ? ['app-b/backend', 'app/backend', 'app/old', 'app/prefill'] : ['app/backend'];
    await expect.poll(() => counts().map(([place]) => place), { timeout: 15_000 }).toEqual(kept);
    const now = await readRegistrations({ etcd: server.place, namespace: 'app' }, signal);
    expect([...countInstances(now)]).toEqual(counts());
    const stoppedAt = performance.now();
    stop.abort();
    await watching;
    expect(performance.now() - stoppedAt).toBeLessThan(1000);
    await remove(server);
  });
});
