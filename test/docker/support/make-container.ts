import type { DesiredContainer } from '../../../src/model/desired-state.ts';
import { LABEL } from '../../../src/model/labels.ts';

/** The tiny image that tests run: Debian's, which scripts/bootstrap leaves on the machine. */
export const TEST_IMAGE = 'debian:bookworm-slim';

export type ContainerFields = Partial<Omit<DesiredContainer, 'labels'>> & {
  readonly project: string;
  readonly labels?: Readonly<Record<string, string>>;
};

/** A desired container with nothing special about it; `command` is a shell text. */
export function makeContainer(component: string, command: string, fields: ContainerFields): DesiredContainer {
  const { project, labels, ...rest } = fields;
  const hash = rest.hash ?? 'hash-1';
  return {
    name: `${project}-${component}-0`,
    container: 'main',
    role: 'main',
    image: TEST_IMAGE,
    pullPolicy: 'IfNotPresent',
    entrypoint: ['sh', '-c', command],
    args: undefined,
    env: [],
    workingDir: undefined,
    user: undefined,
    groups: [],
    capabilitiesAdd: [],
    capabilitiesDrop: [],
    privileged: false,
    readOnlyRoot: false,
    shmBytes: undefined,
    memoryBytes: undefined,
    cpus: undefined,
    ulimits: [],
    gpus: [],
    ipcMode: undefined,
    mounts: [],
    tmpfs: [],
    files: [],
    network: { kind: 'bridge', network: 'bridge', aliases: [], hostname: component },
    publish: [],
    probes: {},
    graceSeconds: 1,
    ...rest,
    hash,
    labels: {
      [LABEL.project]: project,
      [LABEL.graph]: 'graph',
      [LABEL.component]: component,
      [LABEL.type]: 'worker',
      [LABEL.replica]: '0',
      [LABEL.role]: rest.role ?? 'main',
      [LABEL.container]: rest.container ?? 'main',
      [LABEL.hash]: hash,
      ...labels,
    },
  };
}
