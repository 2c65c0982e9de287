import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import Docker from 'dockerode';
import { SERVICES } from './bench-graph.ts';

const docker = new Docker();
const POLL_MS = 20;

function opens(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 500 });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket
      .once('connect', () => end(true))
      .once('error', () => end(false))
      .once('timeout', () => end(false));
  });
}

async function addressOf(name: string): Promise<string> {
  const info = await docker.getContainer(name).inspect();
  return Object.values(info.NetworkSettings.Networks)[0]?.IPAddress ?? '';
}

/** The graph through the bare API in our order: everything created at once, etcd and NATS first to start, the rest together. Returns the frontend's address. */
export async function upBare(project: string): Promise<string> {
  await docker.createNetwork({ Name: project, Driver: 'bridge' });
  const name = (service: string) => `${project}-${service}`;
  await Promise.all(
    SERVICES.map(({ name: service, image, command, env, publish }) =>
      docker.createContainer({
        name: name(service),
        Image: image,
        Entrypoint: [...command],
        Cmd: [],
        Env: Object.entries(env).map(([key, value]) => `${key}=${value}`),
        ExposedPorts: publish ? { '8000/tcp': {} } : {},
        HostConfig: {
          NetworkMode: project,
          ShmSize: 8 * 2 ** 30,
          ...(publish ? { PortBindings: { '8000/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] } } : {}),
        },
        NetworkingConfig: { EndpointsConfig: { [project]: { Aliases: [service] } } },
      }),
    ),
  );
  await Promise.all(
    SERVICES.filter(({ infra }) => infra).map(async ({ name: service }) => {
      await docker.getContainer(name(service)).start();
      const host = await addressOf(name(service));
      while (!(await opens(host, service === 'etcd' ? 2379 : 4222))) await delay(POLL_MS);
    }),
  );
  await Promise.all(
    SERVICES.filter(({ infra }) => !infra).map(({ name: service }) => docker.getContainer(name(service)).start()),
  );
  return `http://${await addressOf(name('frontend'))}:8000`;
}

/** SIGTERM to the graph at once, wait, remove; etcd and NATS after it. */
export async function downBare(project: string): Promise<void> {
  const name = (service: string) => `${project}-${service}`;
  await Promise.all(
    SERVICES.filter(({ infra }) => !infra).map(async ({ name: service }) => {
      const container = docker.getContainer(name(service));
      await container.kill({ signal: 'SIGTERM' });
      await container.wait();
      await container.remove({ v: true });
    }),
  );
  await Promise.all(
    SERVICES.filter(({ infra }) => infra).map(({ name: service }) =>
      docker.getContainer(name(service)).remove({ force: true, v: true }),
    ),
  );
  await docker.getNetwork(project).remove();
}

/** Asks until the first completion comes. */
export async function untilAnswered(url: string): Promise<void> {
  const deadline = Date.now() + 120_000;
  const body = JSON.stringify({ model: 'local/tiny', messages: [{ role: 'user', content: 'hi' }], max_tokens: 1 });
  while (Date.now() < deadline) {
    try {
      const response = await fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      await response.text();
      if (response.status === 200) return;
    } catch {
      // It does not listen yet.
    }
    await delay(POLL_MS);
  }
  throw new Error(`${url} answered no request within 120 s`);
}
