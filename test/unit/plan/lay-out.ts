import type { DesiredContainer } from '../../../src/model/desired-state.ts';
import type { OperatorGeneration } from '../../../src/model/origin.ts';
import { runtimeFacts } from '../../../src/operator/runtime-facts.ts';
import { buildDesiredState, type LocalOptions, listReplicas } from '../../../src/plan/build-desired-state.ts';
import { resolveText } from '../operator/resolve-text.ts';

/** Options of a machine with 8 CPUs and 32 GiB, etcd and NATS elsewhere, and no flags. */
const OPTIONS: LocalOptions = {
  project: 'p',
  source: 'g.yaml',
  images: { byComponent: new Map(), tag: undefined },
  scale: new Map(),
  pull: undefined,
  runtimeOf: () => runtimeFacts('1.4.2'),
  infra: { kind: 'own', services: [] },
  engine: { cpus: 8, memoryBytes: 2 ** 35, reach: 'direct', raisesLimits: true, filtersGpus: true },
  companions: { secrets: new Map(), configMaps: new Map() },
  gpus: new Map(),
  port: 8000,
  bind: '127.0.0.1',
  extraEnv: new Map(),
  hfCache: undefined,
  claimFolders: new Map(),
  missingHostPaths: new Set(),
  adaptPod: (podTemplate) => ({ podTemplate }),
};

/** What a graph is on such a machine. */
export function layOut(text: string, generation: OperatorGeneration = '1.5', options: Partial<LocalOptions> = {}) {
  const resolved = resolveText(text, generation);
  const built = buildDesiredState(resolved, { ...OPTIONS, ...options });
  return { resolved, replicas: listReplicas(resolved, new Map()), ...built };
}

/** A container of the first replica of a component by its name in the pod. */
export function containerIn(built: ReturnType<typeof layOut>, component: string, container = 'main'): DesiredContainer {
  const replica = built.desired.replicas.find((one) => one.component === component);
  const found = replica?.containers.find((one) => one.container === container);
  if (!found) throw new Error(`${component} has no container ${container}`);
  return found;
}

export function envIn(container: DesiredContainer): Readonly<Record<string, string>> {
  return Object.fromEntries(container.env.map(({ name, value }) => [name, value]));
}

/** A v1beta1 graph `g` of these components, each a flow mapping of YAML. */
export function betaText(...components: readonly string[]): string {
  const items = components.map((component) => `    - ${component}\n`).join('');
  return `apiVersion: nvidia.com/v1beta1
kind: DynamoGraphDeployment
metadata:
  name: g
  annotations: {nvidia.com/dynamo-kube-discovery-mode: container}
spec:
  components:
${items}`;
}
