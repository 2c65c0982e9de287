import { randomBytes, randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parseEnv } from 'node:util';
import { docker } from '../../support/test-project.ts';

/** An etcd and a NATS that belong to no project, on the address by which every bridge reaches this machine. */
export async function startServers(options: {
  readonly jetStream: boolean;
}): Promise<AsyncDisposable & { readonly endpoints: string }> {
  // The address of a bridge of its own: one that the machine has, and that no container needs to be attached to.
  const bridge = await docker.createNetwork({ Name: `t-servers-${randomBytes(4).toString('hex')}`, Driver: 'bridge' });
  const address = (await bridge.inspect()).IPAM?.Config?.[0]?.Gateway ?? '';
  const etcd = randomInt(20_000, 25_000);
  const images = parseEnv(await readFile(new URL('../../../compose/.env', import.meta.url), 'utf8'));
  const start = async (image: string | undefined, command: string[]) => {
    const container = await docker.createContainer({
      Image: image ?? '',
      Entrypoint: command,
      Cmd: [],
      HostConfig: { NetworkMode: 'host' },
    });
    await container.start();
    return container;
  };
  const nats = ['nats-server', '-a', address, '-p', String(etcd + 2)];
  const containers = await Promise.all([
    start(images.DYNAMO_ETCD_IMAGE, [
      'etcd',
      `--listen-client-urls=http://${address}:${etcd}`,
      `--advertise-client-urls=http://${address}:${etcd}`,
      `--listen-peer-urls=http://127.0.0.1:${etcd + 1}`,
    ]),
    start(images.DYNAMO_NATS_IMAGE, options.jetStream ? [...nats, '--jetstream'] : nats),
  ]);
  return {
    endpoints: `etcd=http://${address}:${etcd},nats=nats://${address}:${etcd + 2}`,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(containers.map((container) => container.remove({ force: true, v: true })));
      await bridge.remove();
    },
  };
}
