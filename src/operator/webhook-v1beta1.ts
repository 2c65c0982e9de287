import { SUBDOMAIN_RULE } from '../model/names.ts';
import { at, itemsAt, type MapNode, mapAt, type Node, stringAt, stringsAt } from '../model/node.ts';
import {
  type AdmissionFinding,
  dependsOnCluster,
  forbidden,
  invalid,
  required,
  unsupported,
} from './admission-finding.ts';
import { isIntraPod } from './failover.ts';
import { checkComponentV1beta1 } from './webhook-component-v1beta1.ts';
import { NEEDS_GROVE } from './webhook-context.ts';
import { checkGraphAnnotations } from './webhook-metadata.ts';

/** The graph that the webhook sees: v1beta1, converted where it was written as v1alpha1. */
export interface BetaAdmission {
  readonly graphName: string;
  readonly metadata: MapNode;
  readonly spec: MapNode;
  /** In the order of `spec.components`. */
  readonly components: readonly { readonly name: string; readonly written: MapNode; readonly at: Node }[];
  /** The API version that was written, whose paths name missing images and versions. */
  readonly alpha: boolean;
}

const GROVE_HINT = 'a cluster with Grove takes other rules';
const GROVE_NAME_LIMIT = 45;
/** apimachinery pkg/util/validation IsDNS1123Subdomain. */
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** The validating webhook of 1.5 at create [150 internal/webhook/validation/dynamographdeployment.go:159-397]. */
export function checkGraphV1beta1(graph: BetaAdmission): readonly AdmissionFinding[] {
  const { spec, components } = graph;
  const failover = components.some(({ written }) => {
    const found = mapAt(written, 'experimental', 'failover');
    return found !== undefined && isIntraPod(found);
  });
  return [
    ...checkGraphAnnotations(graph.metadata, failover),
    ...checkGroveFields(spec),
    ...(components.length > 0
      ? []
      : [required('spec.components', 'must have at least one component', at(spec, 'components') ?? spec)]),
    ...components.flatMap(({ written, at: place }, index) => [
      ...checkGroveName(graph.graphName, written, `spec.components[${index}]`, place),
      ...checkComponentV1beta1(written, {
        path: `spec.components[${index}]`,
        place,
        framework: stringAt(spec, 'backendFramework'),
        alpha: graph.alpha,
      }),
    ]),
    ...checkRestart(
      spec,
      components.map(({ name }) => name),
    ),
    ...checkTopology(
      spec,
      components.map(({ written }) => written),
    ),
    ...checkPolicyTopology(spec),
  ];
}

function checkGroveFields(spec: MapNode): readonly AdmissionFinding[] {
  const found: AdmissionFinding[] = [];
  const priority = at(spec, 'priorityClassName');
  if (stringAt(priority)) found.push(forbidden('spec.priorityClassName', NEEDS_GROVE, priority));
  const override = at(spec, 'providerOverride');
  if (override) found.push(forbidden('spec.providerOverride', NEEDS_GROVE, override));
  return found;
}

/** The length rule of Grove clusters for single-node components; the others add their longest clique's name. */
function checkGroveName(graph: string, written: MapNode, path: string, place: Node): readonly AdmissionFinding[] {
  const name = stringAt(written, 'name') ?? '';
  const length = graph.length + name.length;
  if (length <= GROVE_NAME_LIMIT) return [];
  const detail = `combined resource name length ${length} exceeds the 45-character pod-name limit (PCS name + component name); shorten DynamoGraphDeployment name "${graph}" or component name "${name}"`;
  return [dependsOnCluster(invalid(`${path}.name`, name, detail, place), GROVE_HINT)];
}

function checkRestart(spec: MapNode, names: readonly string[]): readonly AdmissionFinding[] {
  const strategy = mapAt(spec, 'restart', 'strategy');
  const order = at(strategy, 'order');
  const listed = stringsAt(order) ?? [];
  if (!order || listed.length === 0) return [];
  const path = 'spec.restart.strategy.order';
  if (stringAt(strategy, 'type') === 'Parallel') {
    return [forbidden(path, 'cannot be specified when strategy is parallel', order)];
  }
  const unique = new Set(listed);
  const found: AdmissionFinding[] = [];
  if (unique.size !== listed.length) found.push(invalid(path, order, 'must be unique'));
  if (unique.size !== names.length) {
    found.push(invalid(path, order, 'must have the same number of unique components as the deployment'));
  }
  for (const [index, name] of listed.entries()) {
    const item = itemsAt(order)[index];
    if (!names.includes(name)) found.push(unsupported(`${path}[${index}]`, name, names.toSorted(), item));
  }
  return found;
}

function checkTopology(spec: MapNode, components: readonly MapNode[]): readonly AdmissionFinding[] {
  const path = 'spec.topologyConstraint';
  const constraint = mapAt(spec, 'topologyConstraint');
  const own = components.find((component) => component.fields.has('topologyConstraint'));
  if (!constraint) {
    const detail = 'is required when any component topology constraint is set';
    return own ? [required(path, detail, at(own, 'topologyConstraint'))] : [];
  }
  if (own || stringAt(constraint, 'packDomain')) return [];
  return [required(`${path}.packDomain`, 'is required when no component topologyConstraint is set', constraint)];
}

function checkPolicyTopology(spec: MapNode): readonly AdmissionFinding[] {
  const node = at(spec, 'experimental', 'kvTransferPolicy', 'clusterTopologyName');
  const name = stringAt(node);
  if (!node || !name) return [];
  const path = 'spec.experimental.kvTransferPolicy.clusterTopologyName';
  return [...(SUBDOMAIN.test(name) ? [] : [invalid(path, node, SUBDOMAIN_RULE)]), forbidden(path, NEEDS_GROVE, node)];
}
