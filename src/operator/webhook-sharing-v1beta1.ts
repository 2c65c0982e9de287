import { at, booleanAt, itemsAt, type MapNode, mapAt, type Node, stringAt, stringsAt } from '../model/node.ts';
import { type AdmissionFinding, duplicate, forbidden, invalid } from './admission-finding.ts';
import { countGpus } from './count-gpus.ts';
import { isIntraPod } from './failover.ts';
import { type ComponentAdmission, NEEDS_GROVE } from './webhook-context.ts';

const WORKERS: readonly string[] = ['worker', 'prefill', 'decode'];
const LIMIT = 'podTemplate.spec.containers[main].resources.limits.nvidia.com/gpu';

function modeOf(node: MapNode): string {
  return stringAt(node, 'mode') ?? 'IntraPod';
}

/** GPU memory service, failover, Grove and checkpoint of a component [150 internal/webhook/validation/shared_v1beta1.go:245-622]. */
export function checkSharingV1beta1(written: MapNode, context: ComponentAdmission): readonly AdmissionFinding[] {
  const experimental = mapAt(written, 'experimental');
  if (!experimental) return [];
  const path = `${context.path}.experimental`;
  const gms = mapAt(experimental, 'gpuMemoryService');
  const found: AdmissionFinding[] = [];
  if (gms) found.push(...checkGms(written, gms, `${path}.gpuMemoryService`, context.framework));
  const failover = mapAt(experimental, 'failover');
  if (failover) found.push(...checkFailover(written, failover, gms, `${path}.failover`));
  const checkpoint = mapAt(experimental, 'checkpoint');
  if (checkpoint) found.push(...checkCheckpoint(checkpoint, gms, `${path}.checkpoint`));
  const grove = mapAt(experimental, 'grove');
  if (booleanAt(grove, 'forceScalingGroup')) {
    found.push(forbidden(`${path}.grove.forceScalingGroup`, NEEDS_GROVE, grove));
  }
  return found;
}

function checkGms(
  written: MapNode,
  gms: MapNode,
  path: string,
  framework: string | undefined,
): readonly AdmissionFinding[] {
  const found: AdmissionFinding[] = [];
  if (!isIntraPod(gms)) {
    found.push(forbidden(`${path}.mode`, NEEDS_GROVE, at(gms, 'mode')));
    if (framework !== 'vllm') {
      const detail = `the inter-pod GMS layout is currently supported only for vLLM (detected backend: ${framework ?? '<unset>'})`;
      found.push(invalid(`${path}.mode`, modeOf(gms), detail, at(gms, 'mode')));
    }
  }
  if (!WORKERS.includes(stringAt(written, 'type') ?? '')) {
    const detail = 'GPU memory service is only supported for worker, prefill, or decode components';
    found.push(forbidden(path, detail, gms));
  }
  if (countGpus(written) < 1) {
    found.push(forbidden(path, `GPU memory service requires ${LIMIT} >= 1`, gms));
  }
  const clients = at(gms, 'extraClientContainers');
  if (isIntraPod(gms) && clients) {
    const containers = itemsAt(written, 'podTemplate', 'spec', 'containers');
    found.push(...checkClientContainers(clients, containers, `${path}.extraClientContainers`));
  }
  return found;
}

function checkFailover(
  written: MapNode,
  failover: MapNode,
  gms: MapNode | undefined,
  path: string,
): readonly AdmissionFinding[] {
  const found: AdmissionFinding[] = [];
  const mode = modeOf(failover);
  if (!gms) {
    found.push(forbidden(path, `gpuMemoryService is required when failover mode is "${mode}"`, failover));
  } else if (modeOf(gms) !== mode) {
    const detail = `must match gpuMemoryService.mode "${modeOf(gms)}"`;
    found.push(invalid(`${path}.mode`, mode, detail, at(failover, 'mode') ?? failover));
  }
  if (isIntraPod(failover)) return found;
  if (countGpus(written) < 1) {
    found.push(forbidden(path, `GMS failover requires at least 1 GPU in ${LIMIT}`, failover));
  }
  const type = stringAt(written, 'type') ?? '';
  if (['epp', 'frontend', 'planner'].includes(type)) {
    found.push(forbidden(path, `GMS failover is not supported for component type "${type}"`, failover));
  }
  return found;
}

function checkCheckpoint(checkpoint: MapNode, gms: MapNode | undefined, path: string): readonly AdmissionFinding[] {
  const found: AdmissionFinding[] = [];
  if (booleanAt(checkpoint, 'enabled')) {
    found.push(forbidden(path, 'checkpoint functionality is disabled in the operator configuration', checkpoint));
  }
  const clients = at(checkpoint, 'job', 'gmsClientContainers');
  if (itemsAt(clients).length === 0) return found;
  const field = `${path}.job.gmsClientContainers`;
  if (!gms) found.push(forbidden(field, 'requires gpuMemoryService to be set', clients));
  else if (!isIntraPod(gms)) {
    found.push(forbidden(field, 'is only supported with gpuMemoryService.mode=IntraPod', clients));
  }
  return found;
}

/** Names of containers that a list asks for, each once and each there. */
function checkClientContainers(names: Node, containers: readonly Node[], path: string): readonly AdmissionFinding[] {
  const seen = new Set<string>();
  return (stringsAt(names) ?? []).flatMap((name, index) => {
    const item = itemsAt(names)[index];
    if (seen.has(name)) return [duplicate(`${path}[${index}]`, name, item)];
    seen.add(name);
    if (containers.some((container) => stringAt(container, 'name') === name)) return [];
    return [invalid(`${path}[${index}]`, name, 'does not name a container in podTemplate.spec.containers', item)];
  });
}
