import type { DesiredContainer, DesiredInfra } from '../../model/desired-state.ts';
import { LABEL } from '../../model/labels.ts';
import { containerFolder, dataFolder } from '../../model/process-paths.ts';
import { hashContainer } from '../hash-spec.ts';
import { loopbackAddress } from './assign-ports.ts';
import type { PortMap } from './process-machine.ts';

/** Flags of compose/infra.yaml that say where a container keeps its data and where it listens: a process has places of its own. */
const PLACES = /^--?(?:data-dir|listen-client-urls|advertise-client-urls|store_dir|http_port)(?:=|$)/;

const CLIENT_PORT = { etcd: 2379, nats: 4222 } as const;
const PEER_PORT = 2380;

function placesOf(service: DesiredInfra['service'], data: string, ports: PortMap): readonly string[] {
  const port = ports.get(CLIENT_PORT[service]) ?? CLIENT_PORT[service];
  if (service === 'nats') return ['--addr=127.0.0.1', `--port=${port}`, `--store_dir=${data}`];
  const client = `http://127.0.0.1:${port}`;
  const peer = `http://127.0.0.1:${ports.get(PEER_PORT) ?? PEER_PORT}`;
  return [
    `--data-dir=${data}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=etcd=${peer}`,
  ];
}

/** etcd or NATS of compose/infra.yaml as a process of the project: the same flags, but for its data and its addresses. */
export function layOutInfra(
  { service, container }: DesiredInfra,
  program: string,
  options: { readonly project: string; readonly folder: string; readonly ports: PortMap },
): DesiredInfra {
  const data = dataFolder(containerFolder(options.folder, container.name));
  const kept = (container.args ?? []).filter((word) => !PLACES.test(word));
  const { labels, hash: _, ...rest } = container;
  const spec: Omit<DesiredContainer, 'hash' | 'labels'> = {
    ...rest,
    image: program,
    pullPolicy: 'Never',
    entrypoint: [program],
    args: [...kept, ...placesOf(service, data, options.ports)],
    workingDir: undefined,
    mounts: [],
    tmpfs: [],
    network: { kind: 'host', address: loopbackAddress(options.project, service) },
    publish: [...options.ports].map(([containerPort, hostPort]) => ({
      containerPort,
      hostAddress: '127.0.0.1',
      hostPort,
    })),
  };
  const hash = hashContainer(spec);
  return { service, container: { ...spec, labels: { ...labels, [LABEL.hash]: hash }, hash } };
}
