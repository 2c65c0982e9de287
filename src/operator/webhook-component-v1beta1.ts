import { at, itemsAt, type MapNode, mapAt, type Node, numberAt, stringAt } from '../model/node.ts';
import { parseQuantity } from '../model/quantity.ts';
import { type AdmissionFinding, dependsOnCluster, forbidden, invalid, required } from './admission-finding.ts';
import { nameOf } from './edit-node.ts';
import { hasVersionTag, isElasticEngine } from './graph-diagnostics.ts';
import { type ComponentAdmission, NO_VERSION } from './webhook-context.ts';
import { ANNOTATION } from './webhook-metadata.ts';
import { checkSharingV1beta1 } from './webhook-sharing-v1beta1.ts';

const POOL =
  'InferencePool API group (inference.networking.k8s.io) is not available in the cluster; install the Gateway API Inference Extension before deploying EPP components';
const ELASTIC =
  'elastic expert parallelism (--enable-elastic-ep with --data-parallel-backend ray) requires an explicit container command; the operator starts the Ray head by wrapping that command and cannot start it from the image ENTRYPOINT';

/** One component at create [150 internal/webhook/validation/shared_v1beta1.go:67-622]. */
export function checkComponentV1beta1(written: MapNode, context: ComponentAdmission): readonly AdmissionFinding[] {
  return [
    ...checkPower(written, context),
    ...checkElasticCommand(written, context),
    ...checkAmounts(written, context),
    ...checkEpp(written, context),
    ...checkSidecar(written, context),
    ...checkSharingV1beta1(written, context),
    ...(context.alpha ? [] : checkRuntimeVersion(written, context)),
  ];
}

function containersOf(written: MapNode): readonly Node[] {
  return itemsAt(written, 'podTemplate', 'spec', 'containers');
}

/** The gpu-power-limit annotation [150 …dynamographdeployment.go validateDGDComponentPowerAnnotation]. */
function checkPower(written: MapNode, { path }: ComponentAdmission): readonly AdmissionFinding[] {
  const node = at(written, 'podTemplate', 'metadata', 'annotations', ANNOTATION.powerLimit);
  const value = stringAt(node);
  if (!node || value === undefined) return [];
  const here = `${path}.podTemplate.metadata.annotations[${ANNOTATION.powerLimit}]`;
  const found: AdmissionFinding[] = [];
  if (!/^[+-]?\d+$/.test(value)) found.push(invalid(here, node, 'must be a decimal integer'));
  else if (Number(value) <= 0) found.push(invalid(here, node, 'must be greater than zero'));
  const claims = claimPath(written);
  if (claims !== undefined) {
    const detail = `cannot be combined with annotation "${ANNOTATION.powerLimit}": power-aware planning does not support DRA-backed device allocation`;
    found.push(forbidden(`${path}.${claims}`, detail, node));
  }
  return found;
}

/** Where a component asks for GPUs by a claim, which nobody can count. */
function claimPath(written: MapNode): string | undefined {
  if (mapAt(written, 'experimental', 'gpuMemoryService')) return 'experimental.gpuMemoryService';
  for (const list of ['containers', 'initContainers']) {
    const index = itemsAt(written, 'podTemplate', 'spec', list).findIndex(
      (container) => itemsAt(container, 'resources', 'claims').length > 0,
    );
    if (index >= 0) return `podTemplate.spec.${list}[${index}].resources.claims`;
  }
  return undefined;
}

function checkElasticCommand(written: MapNode, { path, framework }: ComponentAdmission): readonly AdmissionFinding[] {
  if (framework !== 'vllm') return [];
  const index = containersOf(written).findIndex((container) => stringAt(container, 'name') === 'main');
  const main = mapAt(written, 'podTemplate', 'spec', 'containers', index);
  if (!main || itemsAt(main, 'command').length > 0 || !isElasticEngine(main)) return [];
  return [required(`${path}.podTemplate.spec.containers[${index}].command`, ELASTIC, at(main, 'args') ?? main)];
}

function checkAmounts(written: MapNode, { path }: ComponentAdmission): readonly AdmissionFinding[] {
  const found: AdmissionFinding[] = [];
  const available = at(written, 'minAvailable');
  if (available) {
    const detail = 'is currently supported only for Grove-backed DynamoGraphDeployment components';
    found.push(forbidden(`${path}.minAvailable`, detail, available));
  }
  const memory = at(written, 'sharedMemorySize');
  if (memory?.kind === 'scalar' && (parseQuantity(String(memory.value)) ?? 0) < 0) {
    found.push(invalid(`${path}.sharedMemorySize`, memory, 'must be non-negative'));
  }
  return found;
}

function checkEpp(written: MapNode, { path, place }: ComponentAdmission): readonly AdmissionFinding[] {
  const found: AdmissionFinding[] = [];
  const config = at(written, 'eppConfig');
  if (stringAt(written, 'type') === 'epp') {
    const type = forbidden(`${path}.type`, `cannot deploy EPP component: ${POOL}`, at(written, 'type'));
    found.push(dependsOnCluster(type, 'where the Gateway API Inference Extension is installed, it is admitted'));
    const nodes = numberAt(written, 'multinode', 'nodeCount') ?? 1;
    if (nodes > 1) {
      found.push(forbidden(`${path}.multinode`, 'EPP component cannot be multinode', at(written, 'multinode')));
    }
    const replicas = at(written, 'replicas');
    if (replicas && numberAt(replicas) !== 1) {
      found.push(invalid(`${path}.replicas`, replicas, 'EPP component must have exactly 1 replica'));
    }
    if (!config) found.push(required(`${path}.eppConfig`, 'is required for EPP components', place));
  }
  const reference = mapAt(config, 'configMapRef');
  if (reference && !stringAt(reference, 'name')) {
    found.push(required(`${path}.eppConfig.configMapRef.name`, 'is required', reference));
  }
  return found;
}

function checkSidecar(written: MapNode, { path }: ComponentAdmission): readonly AdmissionFinding[] {
  const node = at(written, 'frontendSidecar');
  const name = stringAt(node);
  if (!node || name === undefined) return [];
  const here = `${path}.frontendSidecar`;
  if (!mapAt(written, 'podTemplate')) {
    return [required(`${path}.podTemplate.spec.containers`, 'is required when frontendSidecar is set', node)];
  }
  if (name === '') return [invalid(here, node, 'must not be empty')];
  if (containersOf(written).some((container) => stringAt(container, 'name') === name)) return [];
  return [invalid(here, node, 'must match a podTemplate.spec.containers name')];
}

/** The rule that most examples break: an image whose tag tells the version, or the version itself. */
function checkRuntimeVersion(written: MapNode, { path, place }: ComponentAdmission): readonly AdmissionFinding[] {
  const containers = containersOf(written);
  const index = containers.findIndex((container) => container.kind === 'map' && nameOf(container) === 'main');
  const list = `${path}.podTemplate.spec.containers`;
  const image = stringAt(containers[index], 'image');
  if (!image)
    return [required(index < 0 ? list : `${list}[${index}].image`, 'is required', containers[index] ?? place)];
  if (stringAt(written, 'runtimeVersionOverride') || hasVersionTag(image)) return [];
  return [required(`${path}.runtimeVersionOverride`, NO_VERSION, at(containers[index], 'image'))];
}
