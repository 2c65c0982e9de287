import { fromJson, itemsAt, list, type MapNode, mapAt, type Node, scalar, stringAt, withField } from '../model/node.ts';
import type { Origin } from '../model/origin.ts';
import { MOCK_HOME, type MockModel } from './mock-model.ts';

export const MOCK: Origin = { kind: 'flag', flag: '--mock' };

/** Which volumes a mocked container keeps: workers only scratch space, the others also what configures them. */
const KEPT_VOLUMES = {
  worker: ['emptyDir'],
  other: ['emptyDir', 'configMap', 'secret', 'projected', 'downwardAPI'],
} as const;

export interface PodChange {
  readonly kind: keyof typeof KEPT_VOLUMES;
  readonly image: string;
  readonly models: readonly MockModel[];
}

/** Variables of every mocked container: its models, no hub, and no GPU even where the image or the engine gives one to all. */
const ENVIRONMENT: Readonly<Record<string, string>> = {
  HF_HOME: MOCK_HOME,
  HF_HUB_CACHE: `${MOCK_HOME}/hub`,
  HF_HUB_OFFLINE: '1',
  CUDA_VISIBLE_DEVICES: '',
  NVIDIA_VISIBLE_DEVICES: 'void',
};

/** With canaries the mocker of 1.2 and 1.4 is never healthy (facts/versions.md §5). */
const NO_CANARY = 'DYN_HEALTH_CHECK_ENABLED';

/** A Secret that a real engine needs is none that a mocker would miss. */
function withoutDemands(node: Node): Node {
  const from = mapAt(node, 'valueFrom', 'secretKeyRef');
  const all = mapAt(node, 'secretRef');
  const optional = scalar(true, MOCK);
  const valueFrom = mapAt(node, 'valueFrom');
  if (node.kind === 'map' && from && valueFrom)
    return withField(node, 'valueFrom', withField(valueFrom, 'secretKeyRef', withField(from, 'optional', optional)));
  if (node.kind === 'map' && all) return withField(node, 'secretRef', withField(all, 'optional', optional));
  return node;
}

function mockEnv(container: MapNode): Node {
  const written = itemsAt(container, 'env').map(withoutDemands);
  const names = new Set(written.map((item) => stringAt(item, 'name')));
  const set = { ...ENVIRONMENT, ...(names.has(NO_CANARY) ? { [NO_CANARY]: 'false' } : {}) };
  const kept = written.filter((item) => !((stringAt(item, 'name') ?? '') in set));
  const added = Object.entries(set).map(([name, value]) => fromJson({ name, value }, MOCK));
  return list([...kept, ...added], container.fields.get('env')?.origin ?? MOCK);
}

/** A container on the mock image, with its models and without a GPU; `kept` are the volumes of its pod that stay. */
export function mockContainer(container: MapNode, change: PodChange, kept: ReadonlySet<string>): MapNode {
  const mounts = itemsAt(container, 'volumeMounts').filter((mount) => kept.has(stringAt(mount, 'name') ?? ''));
  let changed = withField(container, 'image', scalar(change.image, MOCK));
  changed = withField(changed, 'imagePullPolicy', scalar('IfNotPresent', MOCK));
  // Relative model directories stand here.
  changed = withField(changed, 'workingDir', scalar(MOCK_HOME, MOCK));
  changed = withField(changed, 'env', mockEnv(container));
  const from = itemsAt(container, 'envFrom').map(withoutDemands);
  if (from.length > 0) changed = withField(changed, 'envFrom', list(from, MOCK));
  changed = withField(changed, 'resources', undefined);
  return withField(changed, 'volumeMounts', list([...mounts, ...change.models.map((model) => model.mount)], MOCK));
}

/** Names of the pod's volumes that a mocked container keeps, and of those it does not. */
export function splitVolumes(
  spec: MapNode,
  kind: PodChange['kind'],
): { readonly kept: ReadonlySet<string>; readonly left: readonly string[] } {
  const kept = new Set<string>();
  const left: string[] = [];
  for (const volume of itemsAt(spec, 'volumes')) {
    const name = stringAt(volume, 'name') ?? '';
    if (KEPT_VOLUMES[kind].some((source) => mapAt(volume, source))) kept.add(name);
    else left.push(name);
  }
  return { kept, left };
}

/** The pod with these containers and the volumes that they mount. */
export function mockSpec(
  spec: MapNode,
  containers: readonly Node[],
  change: PodChange,
  kept: ReadonlySet<string>,
): MapNode {
  const volumes = itemsAt(spec, 'volumes').filter((volume) => kept.has(stringAt(volume, 'name') ?? ''));
  let changed = withField(spec, 'containers', list(containers, spec.fields.get('containers')?.origin ?? MOCK));
  changed = withField(changed, 'volumes', list([...volumes, ...change.models.map((model) => model.volume)], MOCK));
  return withField(changed, 'resourceClaims', undefined);
}
