import type { Diagnostic } from '../model/diagnostic.ts';
import { itemsAt, type MapNode, mapAt, stringAt } from '../model/node.ts';
import { formatPosition } from '../model/origin.ts';

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

/** Resources that Kubernetes schedules by name and one machine does not count. */
function isUncountedResource(key: string): boolean {
  return key.includes('/') && !isGpuResource(key);
}

/** GPU-like resource names of the operator: internal/dra/dra.go:371 (facts/operator.md §5.2). */
export function isGpuResource(key: string): boolean {
  return key === 'gpu' || key.endsWith('/gpu') || key.includes('/mig-') || key.startsWith('gpu.');
}

/** What each pod of the graph asks for that this machine leaves out: one notice per field, naming the components. */
export function listIgnoredFields(
  pods: readonly { readonly component: string; readonly pod: MapNode }[],
): Diagnostic[] {
  const found = new Map<string, { components: Set<string>; at: Diagnostic['at'] }>();
  const note = (field: string, component: string, node: { readonly origin: MapNode['origin'] }) => {
    const entry = found.get(field) ?? { components: new Set<string>(), at: undefined };
    entry.components.add(component);
    if (node.origin.kind === 'file') entry.at ??= node.origin.at;
    found.set(field, entry);
  };
  for (const { component, pod } of pods) {
    for (const field of PLACEMENT_FIELDS) {
      const node = pod.fields.get(field);
      if (node && node.origin.kind !== 'operator') note(field, component, node);
    }
    for (const container of itemsAt(pod, 'containers')) {
      for (const side of ['limits', 'requests']) {
        for (const [key, node] of mapAt(container, 'resources', side)?.fields ?? []) {
          if (isUncountedResource(key)) note(`resource ${key}`, component, node);
        }
      }
      const seccomp = stringAt(container, 'securityContext', 'seccompProfile', 'type');
      if (seccomp) note('securityContext.seccompProfile', component, container);
    }
  }
  return [...found].map(([field, { components, at }]) => ({
    severity: 'notice',
    code: 'IGNORED_FIELD',
    message: `${field} of ${[...components].join(', ')} says where a cluster runs the pod; one machine leaves it out${
      at ? ` (${formatPosition(at)})` : ''
    }`,
  }));
}
