import { type MapNode, mapAt, stringAt } from '../model/node.ts';
import { type AdmissionFinding, invalid, unsupported } from './admission-finding.ts';

/** Keys of the annotations that the webhooks read. */
export const ANNOTATION = {
  originVersion: 'nvidia.com/dynamo-operator-origin-version',
  executor: 'nvidia.com/vllm-distributed-executor-backend',
  discoveryMode: 'nvidia.com/dynamo-kube-discovery-mode',
  groveUpdate: 'nvidia.com/grove-update-strategy',
  provider: 'nvidia.com/workload-provider',
  powerLimit: 'dynamo.nvidia.com/gpu-power-limit',
} as const;

/** What github.com/Masterminds/semver/v3 NewVersion reads: a leading `v` and missing parts are fine. */
const LOOSE_VERSION = /^v?\d+(\.\d+)?(\.\d+)?(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$/;

export function isLooseVersion(text: string): boolean {
  return LOOSE_VERSION.test(text);
}

export function isExecutor(text: string): boolean {
  return ['mp', 'ray'].includes(text.toLowerCase());
}

/** Annotations of the graph's own metadata [150 internal/webhook/validation/dynamographdeployment.go validateObjectMeta]. */
export function checkGraphAnnotations(metadata: MapNode, hasIntraPodFailover: boolean): readonly AdmissionFinding[] {
  const annotations = mapAt(metadata, 'annotations');
  const found: AdmissionFinding[] = [];
  const pathOf = (key: string): string => `metadata.annotations[${key}]`;
  const check = (key: string, complain: (value: string, path: string) => AdmissionFinding | undefined): void => {
    const value = stringAt(annotations, key);
    const complaint = value === undefined ? undefined : complain(value, pathOf(key));
    if (complaint) found.push(complaint);
  };
  const oneOf = (key: string, supported: readonly string[]): void =>
    check(key, (value, path) =>
      supported.includes(value) ? undefined : unsupported(path, value, supported, annotations?.fields.get(key)),
    );
  check(ANNOTATION.originVersion, (value, path) =>
    isLooseVersion(value)
      ? undefined
      : invalid(path, value, 'must be valid semver', annotations?.fields.get(ANNOTATION.originVersion)),
  );
  check(ANNOTATION.executor, (value, path) =>
    isExecutor(value)
      ? undefined
      : invalid(path, value, 'must be "mp" or "ray"', annotations?.fields.get(ANNOTATION.executor)),
  );
  oneOf(ANNOTATION.groveUpdate, ['RollingRecreate', 'OnDelete']);
  oneOf(ANNOTATION.discoveryMode, ['pod', 'container']);
  oneOf(ANNOTATION.provider, ['component', 'grove']);
  const mode = stringAt(annotations, ANNOTATION.discoveryMode) ?? '';
  if (hasIntraPodFailover && mode !== 'container') {
    const detail = 'must be "container" when intra-pod failover is configured';
    found.push(invalid(pathOf(ANNOTATION.discoveryMode), mode, detail, annotations ?? metadata));
  }
  return found;
}
