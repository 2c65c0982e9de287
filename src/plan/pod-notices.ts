import type { Diagnostic } from '../model/diagnostic.ts';
import { at, itemsAt, type MapNode, mapAt, type Node, stringAt } from '../model/node.ts';
import { formatPosition } from '../model/origin.ts';
import type { ResolvedComponent } from '../model/resolved-graph.ts';

/** Pod fields that place a pod in a cluster: one machine has nothing to choose from, so they are listed once and left out. */
const PLACEMENT_FIELDS = [
  'affinity',
  'nodeSelector',
  'nodeName',
  'tolerations',
  'topologySpreadConstraints',
  'schedulerName',
  'priorityClassName',
  'runtimeClassName',
  'resourceClaims',
  'dnsPolicy',
  'dnsConfig',
  'hostNetwork',
  'hostPID',
  'overhead',
  'schedulingGates',
] as const;

/** Pod fields that change what a pod is, and that containers of this machine do not have. */
const LEFT_OUT_FIELDS = [
  ['hostAliases'],
  ['hostname'],
  ['subdomain'],
  ['setHostnameAsFQDN'],
  ['shareProcessNamespace'],
  ['activeDeadlineSeconds'],
  ['readinessGates'],
  ['securityContext', 'sysctls'],
] as const;
/** The same of a container. */
const LEFT_OUT_OF_CONTAINERS = [
  ['lifecycle'],
  ['securityContext', 'allowPrivilegeEscalation'],
  ['securityContext', 'procMount'],
  ['terminationMessagePath'],
  ['volumeDevices'],
] as const;

/** Resources that Kubernetes schedules by name and one machine does not count. */
function isUncountedResource(key: string): boolean {
  return key.includes('/') && !isGpuResource(key);
}

/** GPU-like resource names of the operator: internal/dra/dra.go:371 (facts/operator.md §5.2). */
export function isGpuResource(key: string): boolean {
  return key === 'gpu' || key.endsWith('/gpu') || key.includes('/mig-') || key.startsWith('gpu.');
}

interface LeftOut {
  readonly field: string;
  readonly node: Node;
  /** It says where a cluster runs the pod, not what the pod is. */
  readonly places: boolean;
}

/** What the file asks for at any of the paths; what an operator adds is its own affair. */
function written(node: Node, paths: readonly (readonly string[])[], places: boolean): readonly LeftOut[] {
  return paths.flatMap((path): LeftOut[] => {
    const found = at(node, ...path);
    return found && found.origin.kind !== 'operator' ? [{ field: path.join('.'), node: found, places }] : [];
  });
}

function leftOutOf(pod: MapNode): readonly LeftOut[] {
  const containers = itemsAt(pod, 'containers');
  const all = [...itemsAt(pod, 'initContainers'), ...containers];
  const resources = containers.flatMap((container) =>
    ['limits', 'requests'].flatMap((side) =>
      [...(mapAt(container, 'resources', side)?.fields ?? [])].flatMap(([key, node]) =>
        isUncountedResource(key) ? [{ field: `resource ${key}`, node, places: true }] : [],
      ),
    ),
  );
  const seccomp = containers.flatMap((node) =>
    stringAt(node, 'securityContext', 'seccompProfile', 'type')
      ? [{ field: 'securityContext.seccompProfile', node, places: false }]
      : [],
  );
  return [
    ...written(
      pod,
      PLACEMENT_FIELDS.map((field) => [field]),
      true,
    ),
    ...written(pod, LEFT_OUT_FIELDS, false),
    ...all.flatMap((container) => written(container, LEFT_OUT_OF_CONTAINERS, false)),
    ...resources,
    ...seccomp,
  ];
}

/** What each pod of the graph asks for that this machine leaves out: one notice per field, naming the components. */
export function listIgnoredFields(
  pods: readonly { readonly component: string; readonly pod: Node | undefined }[],
  components: readonly Pick<ResolvedComponent, 'name' | 'gpuClaims'>[],
): Diagnostic[] {
  const found = new Map<string, { components: Set<string>; place: Diagnostic['at']; places: boolean }>();
  for (const { component, pod } of pods) {
    if (pod?.kind !== 'map') continue;
    // Claims of GPUs that are met here.
    const given = components.find(({ name }) => name === component)?.gpuClaims;
    const isMet = itemsAt(pod, 'resourceClaims').every((claim) => given?.has(stringAt(claim, 'name') ?? ''));
    for (const { field, node, places } of leftOutOf(pod)) {
      if (field === 'resourceClaims' && isMet) continue;
      const entry = found.get(field) ?? { components: new Set<string>(), place: undefined, places };
      entry.components.add(component);
      if (node.origin.kind === 'file') entry.place ??= node.origin.at;
      found.set(field, entry);
    }
  }
  return [...found].map(([field, { components, place, places }]) => {
    const what = places
      ? 'says where a cluster runs the pod; one machine leaves it out'
      : 'is left out: containers of this machine do without it';
    const where = place ? ` (${formatPosition(place)})` : '';
    return {
      severity: 'notice',
      code: 'IGNORED_FIELD',
      message: `${field} of ${[...components].join(', ')} ${what}${where}`,
    };
  });
}
