import { at, booleanAt, itemsAt, type MapNode, mapAt, type Node, numberAt, stringAt } from '../model/node.ts';
import { type AdmissionFinding, dependsOnCluster, refusal } from './admission-finding.ts';
import { countServiceGpus } from './count-gpus.ts';
import { nameOf } from './edit-node.ts';
import { type LegacyService, warnOfDeprecated } from './webhook-legacy-v1alpha1.ts';
import { ANNOTATION, isExecutor } from './webhook-metadata.ts';

const SIDECAR = 'sidecar-frontend';
const WORKERS: readonly string[] = ['worker', 'prefill', 'decode'];
const POOL =
  'InferencePool API group (inference.networking.k8s.io) is not available in the cluster. EPP requires the Gateway API Inference Extension to be installed. Please install the Gateway API Inference Extension before deploying EPP components';

/** One service at create, as 1.1 sees it [102 internal/webhook/validation/shared.go:73-426]. */
export function checkServiceV1alpha1(
  service: LegacyService,
  framework: string | undefined,
): readonly AdmissionFinding[] {
  const { written } = service;
  const path = `spec.services[${service.name}]`;
  const found: AdmissionFinding[] = [...warnOfDeprecated(service, path, (text) => `'${text}'`)];
  const say = (below: string, text: string, place: Node | undefined): unknown =>
    found.push(refusal(`${path}${below}`, `${path}${below}${text}`, place ?? written));
  const replicas = numberAt(written, 'replicas');
  if (replicas !== undefined && replicas < 0) say('.replicas', ' must be non-negative', at(written, 'replicas'));
  const ingress = mapAt(written, 'ingress');
  if (booleanAt(ingress, 'enabled') && !stringAt(ingress, 'host')) {
    say('.ingress.host', ' is required when ingress is enabled', ingress);
  }
  for (const [index, mount] of itemsAt(written, 'volumeMounts').entries()) {
    if (booleanAt(mount, 'useAsCompilationCache') || stringAt(mount, 'mountPoint')) continue;
    say(`.volumeMounts[${index}].mountPoint`, ' is required when useAsCompilationCache is false', mount);
  }
  const memory = mapAt(written, 'sharedMemory');
  const size = at(memory, 'size');
  if (memory && !booleanAt(memory, 'disabled') && (size?.kind !== 'scalar' || ['', '0'].includes(String(size.value)))) {
    say('.sharedMemory.size', ' is required when disabled is false', memory);
  }
  const sidecar = at(written, 'frontendSidecar');
  if (sidecar && itemsAt(written, 'extraPodSpec', 'containers').some((container) => nameOf(container) === SIDECAR)) {
    say(
      '',
      `: cannot inject frontend sidecar: a container named "${SIDECAR}" already exists in extraPodSpec.containers`,
      sidecar,
    );
  }
  const executor = at(written, 'annotations', ANNOTATION.executor);
  if (executor && !isExecutor(stringAt(executor) ?? '')) {
    const wanted = ` has invalid value ${JSON.stringify(stringAt(executor))}: must be "mp" or "ray"`;
    say(`.annotations[${ANNOTATION.executor}]`, wanted, executor);
  }
  if (stringAt(written, 'componentType') === 'epp') found.push(...checkEpp(written, path));
  return [...found, ...checkGms(written, path, framework), ...checkFailover(written, path)];
}

function checkEpp(written: MapNode, path: string): readonly AdmissionFinding[] {
  const pool = refusal(path, `${path}: cannot deploy EPP component: ${POOL}`, at(written, 'componentType'));
  const found = [dependsOnCluster(pool, 'where the Gateway API Inference Extension is installed, it is admitted')];
  const say = (below: string, text: string, place: Node | undefined): unknown =>
    found.push(refusal(`${path}${below}`, `${path}${below}${text}`, place ?? written));
  if ((numberAt(written, 'multinode', 'nodeCount') ?? (at(written, 'multinode') ? 2 : 1)) > 1) {
    say(
      '',
      ': EPP component cannot be multinode (multinode field must be nil or nodeCount must be 1)',
      at(written, 'multinode'),
    );
  }
  const replicas = numberAt(written, 'replicas');
  if (replicas !== undefined && replicas !== 1) {
    say('', `: EPP component must have exactly 1 replica (found ${replicas} replicas)`, at(written, 'replicas'));
  }
  const config = mapAt(written, 'eppConfig');
  if (!config) {
    say('.eppConfig', ' is required for EPP components', written);
    return found;
  }
  const reference = at(config, 'configMapRef');
  const inline = at(config, 'config');
  if (!reference && !inline) {
    say('.eppConfig', ': either configMapRef or config must be specified (no default configuration provided)', config);
  } else if (reference && inline) {
    say('.eppConfig', ': configMapRef and config are mutually exclusive, only one can be specified', config);
  } else if (reference && !stringAt(reference, 'name')) {
    say('.eppConfig.configMapRef.name', ' is required', reference);
  }
  return found;
}

function checkGms(written: MapNode, path: string, framework: string | undefined): readonly AdmissionFinding[] {
  const gms = mapAt(written, 'gpuMemoryService');
  if (!gms || !booleanAt(gms, 'enabled')) return [];
  const here = `${path}.gpuMemoryService`;
  const found: AdmissionFinding[] = [];
  if (stringAt(gms, 'mode') === 'interPod') {
    // The rule is the graph's own [102 dynamographdeployment.go:332]: it names the service, not the field.
    const grove = `${path}: gpuMemoryService.mode="interPod" requires the Grove pathway, but Grove is disabled at the operator level (global.grove.enabled=false)`;
    found.push(refusal(path, grove, at(gms, 'mode')));
    if (framework !== 'vllm') {
      const message = `${path}: gpuMemoryService.mode="interPod" is currently supported only for vLLM (detected backend: ${framework ?? '<unset>'})`;
      found.push(refusal(path, message, at(gms, 'mode')));
    }
  }
  if (!WORKERS.includes(stringAt(written, 'componentType') ?? '')) {
    const message = `${here}: GPU memory service is only supported for worker components (componentType must be worker, prefill, or decode)`;
    found.push(refusal(here, message, gms));
  }
  if (countServiceGpus(written) < 1) {
    found.push(refusal(here, `${here}: GPU memory service requires resources.limits.gpu >= 1`, gms));
  }
  return found;
}

function checkFailover(written: MapNode, path: string): readonly AdmissionFinding[] {
  const failover = mapAt(written, 'failover');
  if (!failover || !booleanAt(failover, 'enabled')) return [];
  const gms = mapAt(written, 'gpuMemoryService');
  const mode = stringAt(failover, 'mode') ?? 'intraPod';
  const gmsMode = stringAt(gms, 'mode') ?? 'intraPod';
  const here = `${path}.failover`;
  const shadows = numberAt(failover, 'numShadows') ?? 1;
  const found: AdmissionFinding[] = [];
  const say = (message: string): unknown => found.push(refusal(here, message, failover));
  if (mode === 'interPod') {
    if (!booleanAt(gms, 'enabled')) {
      say(`${here}: interPod failover requires gpuMemoryService.enabled=true and gpuMemoryService.mode="interPod"`);
    } else if (gmsMode !== 'interPod') {
      say(`${here}: interPod failover requires gpuMemoryService.mode="interPod" (got "${gmsMode}")`);
    }
    return found;
  }
  if (!booleanAt(gms, 'enabled')) say(`${here}: failover requires gpuMemoryService.enabled to be true`);
  else if (gmsMode !== mode) say(`${here}: failover.mode "${mode}" must match gpuMemoryService.mode "${gmsMode}"`);
  if (![0, 1].includes(shadows)) {
    const message = `${here}.numShadows=${shadows} is invalid for mode="intraPod": intraPod uses a fixed 1 primary + 1 shadow sidecar; use failover.mode="interPod" to configure numShadows`;
    found.push(refusal(`${here}.numShadows`, message, at(failover, 'numShadows')));
  }
  return found;
}
