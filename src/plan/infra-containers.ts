import type { DesiredContainer, DesiredInfra } from '../model/desired-state.ts';
import type { Reach } from '../model/host-inventory.ts';
import { LABEL } from '../model/labels.ts';
import { infraContainerName } from '../model/names.ts';
import type { ReplicaFacts } from '../model/observed-state.ts';
import { BARE_CONTAINER } from './desired-container.ts';
import { hashContainer } from './hash-spec.ts';

/** A service of compose/infra.yaml, its variables filled in. */
export interface InfraDefinition {
  readonly service: 'etcd' | 'nats';
  readonly image: string;
  readonly entrypoint: readonly string[] | undefined;
  readonly command: readonly string[] | undefined;
  readonly environment: Readonly<Record<string, string>>;
  readonly tmpfs: readonly string[];
  readonly graceSeconds: number;
}

/** Client ports: etcd's documented 2379, NATS's 4222. */
const INFRA_PORT: Readonly<Record<InfraDefinition['service'], number>> = { etcd: 2379, nats: 4222 };

export interface InfraContext {
  readonly project: string;
  readonly graph: string;
  readonly source: string;
  readonly network: string;
  readonly reach: Reach;
  readonly aliases: readonly string[];
  readonly pull: DesiredContainer['pullPolicy'] | undefined;
}

/** The project's own etcd or NATS, reachable by its service name and by the cluster's names for it. */
export function buildInfra(definition: InfraDefinition, context: InfraContext): DesiredInfra {
  const name = infraContainerName(context.project, definition.service);
  const spec = {
    ...BARE_CONTAINER,
    name,
    container: definition.service,
    role: 'infra',
    image: definition.image,
    pullPolicy: context.pull ?? 'IfNotPresent',
    entrypoint: definition.entrypoint,
    args: definition.command,
    env: Object.entries(definition.environment).map(([key, value]) => ({
      name: key,
      value,
      secret: false,
      origin: { kind: 'local', deviation: 'infra', reason: 'compose/infra.yaml' } as const,
    })),
    tmpfs: definition.tmpfs.map((path) => ({ path, options: '' })),
    files: [],
    network: {
      kind: 'bridge',
      network: context.network,
      aliases: [definition.service, ...context.aliases],
      hostname: name,
    },
    publish:
      context.reach === 'published'
        ? [{ containerPort: INFRA_PORT[definition.service], hostAddress: '127.0.0.1', hostPort: 0 }]
        : [],
    graceSeconds: definition.graceSeconds,
  } satisfies Omit<DesiredContainer, 'hash' | 'labels'>;
  const facts: ReplicaFacts = { graceSeconds: definition.graceSeconds, reach: context.reach, runtimeVersion: '' };
  const hash = hashContainer(spec);
  const labels = {
    [LABEL.project]: context.project,
    [LABEL.graph]: context.graph,
    [LABEL.source]: context.source,
    [LABEL.component]: definition.service,
    [LABEL.type]: 'infra',
    [LABEL.replica]: '0',
    [LABEL.role]: 'infra',
    [LABEL.container]: definition.service,
    [LABEL.facts]: JSON.stringify(facts),
    [LABEL.probes]: '{}',
    [LABEL.hash]: hash,
  };
  return { service: definition.service, container: { ...spec, labels, hash } };
}
