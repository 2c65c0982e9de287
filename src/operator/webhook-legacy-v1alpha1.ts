import { at, booleanAt, itemsAt, type MapNode, mapAt, numberAt, stringAt } from '../model/node.ts';
import { type AdmissionFinding, deprecation, forbidden, invalid, required } from './admission-finding.ts';
import { compareText, nameOf } from './edit-node.ts';
import { hasVersionTag } from './graph-diagnostics.ts';
import { NO_VERSION } from './webhook-context.ts';
import { ANNOTATION, isExecutor } from './webhook-metadata.ts';

const SIDECAR = 'sidecar-frontend';
const SHADOWS =
  'is invalid for mode="intraPod": intraPod uses a fixed 1 primary + 1 shadow sidecar; use failover.mode="interPod" to configure numShadows';

/** A service as it was written, with the namespace that its deprecated field does not set. */
export interface LegacyService {
  readonly name: string;
  readonly written: MapNode;
  readonly dynamoNamespace: string;
}

/** What 1.5 checks of a v1alpha1 graph beside the converted one [150 internal/webhook/validation/*_v1alpha1.go]. */
export function checkLegacyGraph(spec: MapNode, services: readonly LegacyService[]): readonly AdmissionFinding[] {
  return [
    ...itemsAt(spec, 'pvcs').flatMap((claim, index) =>
      nameOf(claim) === '' ? [required(`spec.pvcs[${index}].name`, 'is required', claim)] : [],
    ),
    ...services.toSorted((a, b) => compareText(a.name, b.name)).flatMap(checkService),
  ];
}

function checkService(service: LegacyService): readonly AdmissionFinding[] {
  const { written } = service;
  const path = `spec.services[${service.name}]`;
  const found: AdmissionFinding[] = [];
  const executor = at(written, 'annotations', ANNOTATION.executor);
  if (executor && !isExecutor(stringAt(executor) ?? '')) {
    found.push(invalid(`${path}.annotations[${ANNOTATION.executor}]`, executor, 'must be "mp" or "ray"'));
  }
  found.push(...warnOfDeprecated(service, path, (text) => JSON.stringify(text)));
  for (const [index, mount] of itemsAt(written, 'volumeMounts').entries()) {
    if (booleanAt(mount, 'useAsCompilationCache') || stringAt(mount, 'mountPoint')) continue;
    const detail = 'is required when useAsCompilationCache is false';
    found.push(required(`${path}.volumeMounts[${index}].mountPoint`, detail, mount));
  }
  const ingress = mapAt(written, 'ingress');
  if (booleanAt(ingress, 'enabled') && !stringAt(ingress, 'host')) {
    found.push(required(`${path}.ingress.host`, 'is required when ingress is enabled', ingress));
  }
  found.push(...checkLegacyEpp(written, path));
  if (
    at(written, 'frontendSidecar') &&
    itemsAt(written, 'extraPodSpec', 'containers').some((one) => nameOf(one) === SIDECAR)
  ) {
    const detail = `cannot inject frontend sidecar: a container named "${SIDECAR}" already exists in extraPodSpec.containers`;
    found.push(forbidden(`${path}.frontendSidecar`, detail, at(written, 'frontendSidecar')));
  }
  const failover = mapAt(written, 'failover');
  const shadows = at(failover, 'numShadows');
  const intraPod = (stringAt(failover, 'mode') ?? 'intraPod') === 'intraPod';
  if (shadows && booleanAt(failover, 'enabled') && intraPod && ![0, 1].includes(numberAt(shadows) ?? 0)) {
    found.push(invalid(`${path}.failover.numShadows`, shadows, SHADOWS));
  }
  return [...found, ...checkImage(written, path)];
}

function checkLegacyEpp(written: MapNode, path: string): readonly AdmissionFinding[] {
  const config = mapAt(written, 'eppConfig');
  if (!config) return [];
  const found: AdmissionFinding[] = [];
  if (config.fields.has('configMapRef') === config.fields.has('config')) {
    found.push(forbidden(`${path}.eppConfig`, 'exactly one of configMapRef or config is required', config));
  }
  return found;
}

function checkImage(written: MapNode, path: string): readonly AdmissionFinding[] {
  const main = mapAt(written, 'extraPodSpec', 'mainContainer');
  const image = stringAt(main, 'image');
  if (!image) return [required(`${path}.extraPodSpec.mainContainer.image`, 'is required', main ?? written)];
  if (stringAt(written, 'runtimeVersionOverride') || hasVersionTag(image)) return [];
  return [required(`${path}.runtimeVersionOverride`, NO_VERSION, at(main, 'image'))];
}

/** Fields that 1.1 and 1.5 take and leave aside. */
export function warnOfDeprecated(
  service: LegacyService,
  path: string,
  quote: (text: string) => string,
): readonly AdmissionFinding[] {
  const { written, dynamoNamespace } = service;
  const found: AdmissionFinding[] = [];
  const namespace = at(written, 'dynamoNamespace');
  const text = stringAt(namespace);
  if (text) {
    const message = `${path}.dynamoNamespace is deprecated and ignored. Value ${quote(text)} will be replaced with ${quote(dynamoNamespace)}. Remove this field from your configuration`;
    found.push(deprecation(`${path}.dynamoNamespace`, message, namespace));
  }
  const autoscaling = at(written, 'autoscaling');
  if (autoscaling) {
    const message = `${path}.autoscaling is deprecated and ignored. Use DynamoGraphDeploymentScalingAdapter with HPA, KEDA, or Planner for autoscaling instead. See docs/kubernetes/autoscaling.md`;
    found.push(deprecation(`${path}.autoscaling`, message, autoscaling));
  }
  return found;
}
