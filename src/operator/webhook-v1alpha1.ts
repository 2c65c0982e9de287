import { at, booleanAt, itemsAt, type MapNode, mapAt, type Node, stringAt, stringsAt } from '../model/node.ts';
import { type AdmissionFinding, dependsOnCluster, refusal } from './admission-finding.ts';
import { nameOf } from './edit-node.ts';
import type { LegacyService } from './webhook-legacy-v1alpha1.ts';
import { ANNOTATION, isExecutor, isLooseVersion } from './webhook-metadata.ts';
import { checkServiceV1alpha1 } from './webhook-service-v1alpha1.ts';

const GROVE_NAME_LIMIT = 45;

/**
 * The validating webhook of 1.1 at create [102 internal/webhook/validation/dynamographdeployment.go]. It stops at its first error, and
 * takes the services in no order; here all of them are said.
 */
export function checkGraphV1alpha1(
  graph: { readonly name: string; readonly metadata: MapNode; readonly spec: MapNode },
  services: readonly LegacyService[],
): readonly AdmissionFinding[] {
  const { spec } = graph;
  const framework = stringAt(spec, 'backendFramework');
  return [
    ...(services.length > 0
      ? []
      : [refusal('spec.services', 'spec.services must have at least one service', at(spec, 'services') ?? spec)]),
    ...checkAnnotations(mapAt(graph.metadata, 'annotations')),
    ...itemsAt(spec, 'pvcs').flatMap(checkClaim),
    ...checkRestart(
      spec,
      services.map(({ name }) => name),
    ),
    ...checkTopology(spec, services),
    ...checkDiscoveryMode(graph.metadata, services),
    ...services.flatMap((service) => [
      ...checkGroveName(graph.name, service),
      ...checkServiceV1alpha1(service, framework),
    ]),
  ];
}

function checkAnnotations(annotations: MapNode | undefined): readonly AdmissionFinding[] {
  const rules: readonly (readonly [key: string, holds: (value: string) => boolean, wanted: string])[] = [
    [ANNOTATION.originVersion, isLooseVersion, 'must be valid semver'],
    [ANNOTATION.executor, isExecutor, 'must be "mp" or "ray"'],
    [ANNOTATION.discoveryMode, (value) => ['pod', 'container'].includes(value), 'must be "pod" or "container"'],
  ];
  return rules.flatMap(([key, holds, wanted]) => {
    const node = at(annotations, key);
    const value = stringAt(node);
    if (value === undefined || holds(value)) return [];
    const message = `annotation ${key} has invalid value "${value}": ${wanted}`;
    return [refusal(`metadata.annotations[${key}]`, message, node)];
  });
}

function checkClaim(claim: Node, index: number): readonly AdmissionFinding[] {
  const path = `spec.pvcs[${index}]`;
  const found: AdmissionFinding[] = [];
  if (nameOf(claim) === '') found.push(refusal(`${path}.name`, `${path}.name is required`, claim));
  if (!booleanAt(claim, 'create')) return found;
  for (const field of ['storageClass', 'size', 'volumeAccessMode']) {
    const value = at(claim, field);
    const empty = value?.kind !== 'scalar' || ['', '0'].includes(String(value.value));
    if (empty) found.push(refusal(`${path}.${field}`, `${path}.${field} is required when create is true`, claim));
  }
  return found;
}

function checkRestart(spec: MapNode, names: readonly string[]): readonly AdmissionFinding[] {
  const restart = mapAt(spec, 'restart');
  if (!restart) return [];
  const found: AdmissionFinding[] = [];
  if (!stringAt(restart, 'id')) found.push(refusal('spec.restart.id', 'spec.restart.id is required', restart));
  const node = at(restart, 'strategy', 'order');
  const order = stringsAt(node) ?? [];
  if (!node || order.length === 0) return found;
  const path = 'spec.restart.strategy.order';
  const say = (text: string, place: Node = node): unknown => found.push(refusal(path, `${path} ${text}`, place));
  if (stringAt(restart, 'strategy', 'type') === 'Parallel') {
    say('cannot be specified when strategy is parallel');
    return found;
  }
  const unique = new Set(order);
  if (unique.size !== order.length) say('must be unique');
  if (unique.size !== names.length) say('must have the same number of unique services as the deployment');
  for (const [index, name] of order.entries()) {
    if (!names.includes(name)) say(`contains unknown service: ${name}`, itemsAt(node)[index]);
  }
  return found;
}

const TOPOLOGY = 'spec.topologyConstraint';

function checkTopology(spec: MapNode, services: readonly LegacyService[]): readonly AdmissionFinding[] {
  const constraint = mapAt(spec, 'topologyConstraint');
  const own = services.filter(({ written }) => written.fields.has('topologyConstraint'));
  const found: AdmissionFinding[] = [];
  if (!constraint) {
    const message = `${TOPOLOGY} with topologyProfile is required when any topology constraint is set (at spec or service level)`;
    return own.slice(0, 1).map(({ written }) => refusal(TOPOLOGY, message, at(written, 'topologyConstraint')));
  }
  if (!stringAt(constraint, 'topologyProfile')) {
    const message = `${TOPOLOGY}.topologyProfile is required when any topology constraint is set`;
    found.push(refusal(`${TOPOLOGY}.topologyProfile`, message, constraint));
  }
  for (const { name, written } of services) {
    const path = `spec.services[${name}].topologyConstraint`;
    const service = mapAt(written, 'topologyConstraint');
    if (service && !stringAt(service, 'packDomain')) {
      found.push(refusal(`${path}.packDomain`, `${path}.packDomain is required`, service));
    }
    if (service || stringAt(constraint, 'packDomain')) continue;
    const message = `${path} is required because ${TOPOLOGY}.packDomain is not set; either set ${TOPOLOGY}.packDomain or set topologyConstraint for every service`;
    found.push(refusal(path, message, written));
  }
  return found;
}

function checkDiscoveryMode(metadata: MapNode, services: readonly LegacyService[]): readonly AdmissionFinding[] {
  if (stringAt(metadata, 'annotations', ANNOTATION.discoveryMode) === 'container') return [];
  const intraPod = services.find(({ written }) => {
    const failover = mapAt(written, 'failover');
    return booleanAt(failover, 'enabled') && (stringAt(failover, 'mode') ?? 'intraPod') === 'intraPod';
  });
  if (!intraPod) return [];
  const message = `failover requires per-container K8s discovery; set annotation "${ANNOTATION.discoveryMode}" to "container" on the DynamoGraphDeployment`;
  const path = `metadata.annotations[${ANNOTATION.discoveryMode}]`;
  return [refusal(path, message, at(intraPod.written, 'failover'))];
}

/** The length rule of clusters with Grove [102 dynamographdeployment.go:398]. */
function checkGroveName(graph: string, { name, written }: LegacyService): readonly AdmissionFinding[] {
  const several = at(written, 'multinode') !== undefined;
  const length = graph.length + (several ? 2 * name.length + 4 : name.length);
  if (length <= GROVE_NAME_LIMIT) return [];
  const path = `spec.services[${name}]`;
  const message = `${path}: combined resource name length ${length} exceeds 45-character limit required for pod naming. Consider shortening the DynamoGraphDeployment name or service name`;
  return [dependsOnCluster(refusal(path, message, written), 'a cluster without Grove takes it')];
}
